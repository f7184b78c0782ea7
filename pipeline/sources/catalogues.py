"""Source ``catalogue``: texts of a program in several languages, as translators deliver them: JSON catalogues and gettext.

They come from a folder, a glob, an ``s3://`` prefix, or installed packages. Only catalogues of the languages that the recipe names
are pinned, so another language changes nothing.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.base import Pin, PinnedItem
from pipeline.sources.catalogue_layout import ENDINGS, check_languages, find_catalogues
from pipeline.sources.files import find_files, find_objects
from pipeline.sources.formats import natural
from pipeline.sources.installed import chosen, files_of, revision
from pipeline.sources.left_out import LeftOutCounter
from pipeline.sources.local_files import pin_files
from pipeline.sources.names import shown
from pipeline.sources.roots import check_address, fixed_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.recipe.data import Source
    from pipeline.settings import Settings
    from pipeline.sources.installed import Distribution, PackagedFile


def pin(source: Source, settings: Settings) -> Pin:
    """Pin the catalogues of the recipe's languages.

    Raises:
        BadInput: neither a path nor packages are given, or no language; one has no catalogue; a package is not installed.
        Unavailable: the bucket's server is unreachable.
    """
    if not source.languages:
        raise BadInput("data.source has no languages for kind 'catalogue'", "e.g. [en, de]", "add data.source.languages")
    if source.packages:
        return Pin(kind=source.kind, together=True, items=_packages(source.languages, chosen(source.packages)))
    if not source.path:
        raise BadInput("data.source has neither path nor packages for kind 'catalogue'", "one of them", "add data.source.path")
    check_address(source.path, settings)
    return _in_bucket(source, settings) if source.path.startswith("s3://") else _in_folder(source, settings)


def packaged(record: bytes, languages: Sequence[str]) -> list[PackagedFile]:
    """The catalogues that a RECORD lists, sorted by path."""
    files = {file.path: file for file in _listed(record)}
    return sorted(files[path] for row in find_catalogues(files, languages).values() for path in row.values())


def _packages(languages: Sequence[str], distributions: Sequence[Distribution]) -> tuple[PinnedItem, ...]:
    read = partial(packaged, languages=languages)
    found = {each: read(each.record()) for each in distributions}
    every = [file.path for each in distributions for file in _listed(each.record())]
    check_languages(every, languages, f"packages {', '.join(each.name for each in distributions)}")
    return tuple(
        PinnedItem(name=each.name, revision=revision(each.version, files), size=sum(file.size for file in files))
        for each, files in found.items()
        if files
    )


def _listed(record: bytes) -> list[PackagedFile]:
    return files_of(record, [ending.encode() for ending in ENDINGS])


def _in_folder(source: Source, settings: Settings) -> Pin:
    assert source.path is not None  # noqa: S101 - the caller looked
    place = fixed_part(settings.home / Path(source.path).expanduser())
    root = f"{shown(place if place.is_dir() else place.parent)}/"
    left_out = LeftOutCounter()
    paths = {shown(path).removeprefix(root): path for path in find_files(source.kind, source.path, settings, left_out)}
    names = _chosen(source, list(paths))
    return Pin(
        kind=source.kind, together=True, items=pin_files([paths[name] for name in names], settings), root=root, left_out=left_out.total()
    )


def _in_bucket(source: Source, settings: Settings) -> Pin:
    assert source.path is not None  # noqa: S101 - the caller looked
    root = source.path.rstrip("/") + "/"
    left_out = LeftOutCounter()
    items = {item.name.removeprefix(root): item for item in find_objects(source.kind, source.path, settings, left_out)}
    return Pin(
        kind=source.kind,
        together=True,
        items=tuple(items[name] for name in _chosen(source, list(items))),
        root=root,
        left_out=left_out.total(),
    )


def _chosen(source: Source, paths: list[str]) -> list[str]:
    """The files of the recipe's languages, in natural order of their paths."""
    languages, where = source.languages or (), f"data.source.path {source.path!r}"
    if not paths:
        raise BadInput(f"{where} finds no catalogue", f"files ending in {', '.join(ENDINGS)}", "correct the path")
    check_languages(paths, languages, where)
    return sorted((path for row in find_catalogues(paths, languages).values() for path in row.values()), key=natural)
