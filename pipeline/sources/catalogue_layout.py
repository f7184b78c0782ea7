"""Which files of a folder or package are catalogues, and of which language: the path says both.

Where one path becomes another by replacing the name of one language by that of another, the two files hold the same messages:
``locales/de/common.json`` and ``locales/en/common.json``, ``locale/de/LC_MESSAGES/shop.po``, ``i18n/de.json``. A folder or the name of the
file says the language. Upper case, and ``-`` instead of ``_``, make no difference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Catalogues = Mapping[str, Mapping[str, str]]
    """Path with ``*`` for the language → language → path."""

MSGID = "msgid"
"""As the first language: the message ids of gettext, which are the texts of the program."""

JSON, PO, MO = ENDINGS = (".json", ".po", ".mo")
FILE = re.compile(r"(?P<stem>.+?)(?P<ending>\.(?:json|po|mo)(?:\.gz|\.zst|\.bz2|\.xz)?)", re.IGNORECASE)
LOCALE = re.compile(r"[a-z]{2,3}(?:[-_@][a-z0-9]{2,8})*", re.IGNORECASE)
GETTEXT_FOLDER = "LC_MESSAGES"


def find_catalogues(paths: Iterable[str], languages: Sequence[str]) -> Catalogues:
    """The catalogues that have the texts and at least one translation; sorted by path.

    Args:
        paths: with forward slashes, from the folder that is searched.
        languages: that of the texts, then those of the translations.
    """
    names = {spelled(language): language for language in languages if language != MSGID}
    found: dict[str, dict[str, str]] = {}
    for path in sorted(paths):
        for pattern, name in _readings(path):
            if spelled(name) in names:
                found.setdefault(pattern, {}).setdefault(names[spelled(name)], path)
                break
    kept = {pattern: row for pattern, row in sorted(found.items()) if _complete(pattern, row, languages)}
    # a compiled catalogue lacks the marks of the one that it was made from
    return {pattern: row for pattern, row in kept.items() if not (ending(pattern) == MO and pattern[: -len(MO)] + PO in kept)}


def check_languages(paths: Sequence[str], languages: Sequence[str], where: str) -> None:
    """Refuse a language that has no catalogue.

    Args:
        paths: all files in question.
        languages: that of the texts, then those of the translations.
        where: the folder or the packages, for messages.

    Raises:
        BadInput: such a language; near names are suggested.
    """
    readings = [reading for path in paths for reading in _readings(path)]
    first, *others = languages
    if first == MSGID:
        beside = {pattern for pattern, _ in readings if is_gettext(pattern)}
        if not beside:
            raise BadInput(f"{where} has no gettext catalogue", "a .po or .mo file", "correct data.source, or name the first language")
    else:
        beside = {pattern for pattern, name in readings if spelled(name) == spelled(first)}
        if not beside:
            raise unknown_name(f"language in data.source.languages for {where}:", first, _locales(readings))
    there = [reading for reading in readings if reading[0] in beside]
    for language in others:
        if not any(spelled(name) == spelled(language) for _, name in there):
            known = _locales(there)
            raise unknown_name(f"language in data.source.languages for {where}:", language, known - {first})


def spelled(language: str) -> str:
    """A language as it is compared."""
    return language.replace("-", "_").lower()


def ending(path: str) -> str:
    """How the name ends, in lower case and without that of a compression."""
    found = FILE.fullmatch(path)
    return "." + found["ending"].lower().split(".")[1] if found else ""


def is_gettext(path: str) -> bool:
    """Whether a catalogue is one of gettext."""
    return ending(path) in (PO, MO)


def namespace(pattern: str) -> str:
    """What a catalogue is called: its path without language and ending."""
    stem = pattern[: -len(FILE.fullmatch(pattern)["ending"])] if FILE.fullmatch(pattern) else pattern  # type: ignore[index]
    return "/".join(part for part in stem.split("/") if part not in ("*", GETTEXT_FOLDER))


def _readings(path: str) -> Iterator[tuple[str, str]]:
    """Every part of a path as the name of a language, with the path without it: the name of the file first, then folders, inner ones first."""
    *folders, file = path.split("/")
    found = FILE.fullmatch(file)
    if found:
        parts = [*folders, found["stem"]]
        for place in reversed(range(len(parts))):
            yield "/".join([*parts[:place], "*", *parts[place + 1 :]]) + found["ending"], parts[place]


def _complete(pattern: str, row: Mapping[str, str], languages: Sequence[str]) -> bool:
    first, *others = languages
    return (first in row or (first == MSGID and is_gettext(pattern))) and any(language in row for language in others)


def _locales(readings: Iterable[tuple[str, str]]) -> set[str]:
    """Names that look like languages."""
    return {name for _, name in readings if LOCALE.fullmatch(name)}
