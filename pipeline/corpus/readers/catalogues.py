"""Source ``catalogue``: each message that two languages have becomes one record.

A row has the fields ``text`` (in the first language), ``target`` (in another one), ``language`` (of the target), ``key`` (equal for all
languages and plural forms of a message) and ``namespace`` (the catalogue). Messages that nobody translated teach nothing, or a wrong
thing: those without text, those that equal the source, and gettext's fuzzy ones. So does a translation with other placeholders than
its source. Both are filtered and counted.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.documents import Filtered, Quarantined
from pipeline.corpus.readers.catalogue_messages import CatalogueMessage, parse_catalogue
from pipeline.corpus.readers.fields import to_record
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.sources.catalogue_layout import find_catalogues, namespace
from pipeline.sources.catalogues import packaged
from pipeline.sources.installed import at_revision, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Columns, Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, PinnedItem
    from pipeline.sources.installed import PackagedFile

    Read = Callable[[], bytes | Quarantined]

MAX_BYTES = 64 << 20
"""Larger catalogues are quarantined: one is read at once."""

PLACEHOLDER = re.compile(
    r"\{\{.*?\}\}|\$t\(.*?\)|\{[\w.:!]*\}|\$\{\w+\}|%\(\w+\)[#0\-+ ]*[\d.]*[a-zA-Z]|%(?:\d+\$)?[#0\-+]*[\d.]*[sdifguxr](?![a-zA-Z])"
)
"""``{{count}}`` and ``$t(key)`` of i18next, ``{name}``, ``${name}``, ``%(name)s`` and ``%d``."""


class _Pair(NamedTuple):
    """A catalogue in two languages."""

    namespace: str
    path: str
    """Of the translation."""

    language: str
    columns: Columns


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined | Filtered]:
    """Yield the messages of each catalogue, language after language.

    Raises:
        BadInput: a compressed stream is broken.
        Unavailable: a file or a package changed since it was planned.
    """
    first, *others = source.languages or ()
    files = _packages(source, pin, ReadProgress(reporter, pin)) if source.packages else _items(pin, settings, ReadProgress(reporter, pin))
    for pattern, paths in find_catalogues(files, source.languages or ()).items():
        program: dict[str, CatalogueMessage] | None = None
        if first in paths:
            program = {}
            for found in _messages(files[paths[first]], paths[first]):
                if isinstance(found, Quarantined):
                    yield found
                else:
                    program[found.id] = found
        for language in others:
            if language in paths:
                pair = _Pair(namespace(pattern), paths[language], language, source.row_columns)
                yield from _pairs(_messages(files[pair.path], pair.path), program, pair)


def _pairs(
    translated: list[CatalogueMessage | Quarantined], program: Mapping[str, CatalogueMessage] | None, pair: _Pair
) -> Iterator[Record | Quarantined | Filtered]:
    """The messages of a translation that the program has, in the order of the translation.

    Args:
        translated: its messages.
        program: the messages in the first language by id; None takes gettext's ids.
        pair: which catalogue it is.
    """
    for found in translated:
        if isinstance(found, Quarantined):
            yield found
            continue
        given = found if program is None else program.get(found.id)
        if given is None:
            continue
        # gettext shows the text of the program for what a language does not translate
        text = found.program if program is None else given.text or given.program
        reason = _filtered(text, found, fuzzy=found.fuzzy or (program is not None and given.fuzzy))
        if reason:
            yield Filtered(reason)
        else:
            key = f"{pair.namespace}:{found.key}" if pair.namespace else found.key
            row = {"text": text, "target": found.text, "language": pair.language, "key": key, "namespace": pair.namespace}
            yield to_record(row, pair.columns, f"{pair.path}: {found.id}")


def _filtered(text: str, translation: CatalogueMessage, *, fuzzy: bool) -> str | None:
    """Why a message is no example."""
    if fuzzy:
        return "fuzzy"
    said = translation.text.strip()
    if not said or not text.strip() or said == text.strip():
        return "untranslated"
    return None if _placeholders(text) == _placeholders(said) else "other_placeholders"


def _placeholders(text: str) -> set[str]:
    """The placeholders of a text; spaces inside them do not count."""
    return {"".join(found.split()) for found in PLACEHOLDER.findall(text)}


def _messages(read_file: Read, path: str) -> list[CatalogueMessage | Quarantined]:
    content = read_file()
    if isinstance(content, Quarantined):
        return [content]
    if len(content) > MAX_BYTES:
        return [Quarantined(f"longer than {MAX_BYTES >> 20} MB", path)]
    return parse_catalogue(content, path)


def _items(pin: Pin, settings: Settings, progress: ReadProgress) -> dict[str, Read]:
    """Path → how to read it, of pinned files and objects."""

    def read_item(item: PinnedItem) -> bytes:
        with open_item(item, settings, progress) as stream:
            return stream.read(MAX_BYTES + 1)

    return {pin.path(item): partial(read_item, item) for item in pin.items}


def _packages(source: Source, pin: Pin, progress: ReadProgress) -> dict[str, Read]:
    """Path → how to read it, of pinned packages.

    Raises:
        Unavailable: a package is no longer installed at its pinned revision.
    """
    found, listed = installed(), partial(packaged, languages=source.languages or ())
    return {
        file.path: partial(_read_packaged, found[item.name].site, file, progress)
        for item in pin.items
        for file in at_revision(item, found, listed)
    }


def _read_packaged(site: Path, file: PackagedFile, progress: ReadProgress) -> bytes | Quarantined:
    progress.add(file.size)
    try:
        content = (site / file.path).read_bytes()
    except OSError as error:
        return Quarantined("listed in RECORD but not readable", file.path, error.strerror or "")
    if hashlib.sha256(content).digest() != file.sha256:
        return Quarantined("edited after installation", file.path)
    return content
