"""Sources made of files: a path, a folder, a glob, or an ``s3://`` prefix.

A local file is pinned by the sha256 of its bytes, an S3 object by its etag. Files are taken in natural order of their names
(``part-2`` before ``part-10``), whatever their folder; empty files are skipped.
"""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.base import MissingSource, Pin, PinnedItem
from pipeline.sources.bucket import list_objects
from pipeline.sources.formats import ENDINGS, belongs, natural
from pipeline.sources.local_files import pin_files
from pipeline.sources.roots import check_address, check_file

if TYPE_CHECKING:
    from pipeline.recipe.data import Source
    from pipeline.settings import Settings


def pin(source: Source, settings: Settings) -> Pin:
    """Pin the files that ``source.path`` names. A relative path starts at the checkout.

    Raises:
        MissingSource: no file is found.
        BadInput: no path is given, it is outside the allowed roots, or all files are empty.
        Unavailable: the bucket's server is unreachable.
    """
    path = source.path
    if not path:
        raise BadInput(f"data.source has no path for kind {source.kind!r}", "a path, a glob or s3://bucket/prefix", "add data.source.path")
    check_address(path, settings)
    if path.startswith("s3://"):
        items = find_objects(source.kind, path, settings)
    else:
        items = pin_files(find_files(source.kind, path, settings), settings)
    if not items:
        raise MissingSource(f"data.source.path {path!r} finds no {source.kind} file", _wanted(source.kind), "correct the path")
    filled = tuple(sorted((item for item in items if item.size), key=lambda item: natural(item.name)))
    if not filled:
        raise BadInput(f"every file of data.source.path {path!r} is empty", "", "fill them, or correct the path")
    return Pin(kind=source.kind, items=filled)


def find_objects(kind: str, address: str, settings: Settings) -> tuple[PinnedItem, ...]:
    """Objects under a prefix; an object whose full address is given may have any ending."""
    return tuple(
        PinnedItem(name=name, revision=f"etag:{etag}", size=size)
        for name, etag, size in list_objects(address, settings)
        if name == address or belongs(kind, name)
    )


def find_files(kind: str, path: str, settings: Settings) -> list[Path]:
    """Absolute paths of the files that a path, a folder or a glob names; a relative path starts at the checkout.

    Raises:
        BadInput: a file is outside the allowed roots.
    """
    places = _places(kind, settings.home / Path(path).expanduser())
    for place in places:
        check_file(place, settings)
    return places


def _places(kind: str, path: Path) -> list[Path]:
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = [place for place in path.rglob("*") if belongs(kind, place.name)]
    elif has_magic(str(path)):
        found = [Path(place) for place in glob(str(path), recursive=True)]  # noqa: PTH207 - Path.glob takes no absolute pattern
    else:
        found = []
    return [place for place in found if place.is_file()]


def _wanted(kind: str) -> str:
    return f"files ending in {', '.join(ENDINGS[kind])} (or these with .gz or .zst)"
