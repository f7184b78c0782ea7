"""Sources made of files: a path, a folder, a glob, an ``s3://`` object, prefix or glob, or one file at a web address.

A local file is pinned by the sha256 of its bytes, an S3 object by its etag, a file of the web by what its server says (`pipeline.sources.web`). Files are taken in natural order of their names
(``part-2`` before ``part-10``), whatever their folder. What is not taken is counted: empty files, working files, those of another
format (`pipeline.sources.left_out`).
"""

from __future__ import annotations

from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.base import MissingSource, Pin, PinnedItem
from pipeline.sources.bucket import S3Object, list_objects, split_address
from pipeline.sources.formats import ENDINGS, belongs, natural
from pipeline.sources.left_out import EMPTY, OTHER, UNSAFE, WORKING, LeftOutCounter, is_working, sentence
from pipeline.sources.local_files import pin_files
from pipeline.sources.names import shown
from pipeline.sources.roots import check_address, check_file, is_web
from pipeline.sources.walk import find_glob, matches, walk
from pipeline.sources.web import pin_url

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
    path, left_out = source.path, LeftOutCounter()
    if not path:
        raise BadInput(f"data.source has no path for kind {source.kind!r}", "a path, a glob or s3://bucket/prefix", "add data.source.path")
    check_address(path, settings)
    if is_web(path):
        return Pin(kind=source.kind, items=(pin_url(path, source.sha256, settings),))
    if path.startswith("s3://"):
        items = find_objects(source.kind, path, settings, left_out)
    else:
        items = pin_files(find_files(source.kind, path, settings, left_out), settings)
    if not items:
        raise _nothing(source.kind, path, left_out)
    filled = tuple(sorted((item for item in items if item.size), key=lambda item: natural(item.name)))
    if not filled:
        raise BadInput(f"every file of data.source.path {path!r} is empty", "", "fill them, or correct the path")
    for item in items:
        if not item.size:
            left_out.add(EMPTY, item.name.rpartition("/")[2])
    return Pin(kind=source.kind, items=filled, left_out=left_out.total())


def find_objects(kind: str, address: str, settings: Settings, left_out: LeftOutCounter) -> tuple[PinnedItem, ...]:
    """The object at an address, those below a prefix, or those that a glob names.

    An object whose address is given, and those that a glob names, may have any ending.

    Args:
        kind: of the source; selects by ending below a prefix.
        address: ``s3://bucket/key``, ``s3://bucket/prefix`` or ``s3://bucket/prefix/*.jsonl``.
        settings: address of the S3 server.
        left_out: counts what is left out.

    Raises:
        BadInput: no such bucket, wrong credentials, or an address with ``..``.
        Unavailable: the store is unreachable.
    """
    _, key = split_address(address)
    if ".." in key.split("/"):
        raise BadInput(f"data.source.path {address!r} has a part '..'", "the whole key", "write the address without ..")
    objects = list_objects(address, settings)
    if not objects and has_magic(key):
        prefix = address[: next(place for place, sign in enumerate(address) if sign in "*?[")].rpartition("/")[0] + "/"
        pattern = tuple(address.removeprefix(prefix).split("/"))
        asked = frozenset(part[:1] for part in pattern)
        found = [one for one in list_objects(prefix, settings) if matches(tuple(one.address.removeprefix(prefix).split("/")), pattern)]
        objects = [one for one in found if not _left_out(one, prefix, asked, left_out)]
    elif not (len(objects) == 1 and objects[0].address == address):
        prefix = address.rstrip("/") + "/"
        objects = [one for one in objects if not _left_out(one, prefix, frozenset(), left_out) and _belongs(kind, one, prefix, left_out)]
    return tuple(one.pinned for one in objects)


def find_files(kind: str, path: str, settings: Settings, left_out: LeftOutCounter) -> list[Path]:
    """Absolute paths of the files that a path, a folder or a glob names; a relative path starts at the checkout.

    Args:
        kind: of the source; selects by ending in a folder.
        path: of the recipe.
        settings: checkout and allowed roots.
        left_out: counts what is left out.

    Raises:
        BadInput: a file is outside the allowed roots.
    """
    places = _places(kind, settings.home / Path(path).expanduser(), left_out)
    for place in places:
        check_file(place, settings)
    return places


def _places(kind: str, path: Path, left_out: LeftOutCounter) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        found = []
        for place in walk(path, left_out):
            if belongs(kind, place.name):
                found.append(place)
            else:
                left_out.add(OTHER, shown(place.relative_to(path)))
        return found
    return find_glob(path, left_out) if has_magic(str(path)) else []


def _left_out(found: S3Object, prefix: str, asked: frozenset[str], left_out: LeftOutCounter) -> bool:
    """Whether an object is no data by its key; folder markers are not counted."""
    below = found.address.removeprefix(prefix)
    parts = below.split("/")
    if not parts[-1]:
        return True
    reason = UNSAFE if ".." in parts else WORKING if any(is_working(part, asked) for part in parts) else None
    if reason:
        left_out.add(reason, below)
    return reason is not None


def _belongs(kind: str, found: S3Object, prefix: str, left_out: LeftOutCounter) -> bool:
    if belongs(kind, found.address):
        return True
    left_out.add(OTHER, found.address.removeprefix(prefix))
    return False


def _nothing(kind: str, path: str, left_out: LeftOutCounter) -> MissingSource:
    """The error of a path that finds no file; it says what is there."""
    there = sentence(left_out.total(), "")
    fix = "correct the path, or data.source.kind"
    if path.startswith("s3://") and not path.endswith("/") and not there:
        fix = f"correct the path; a prefix ends at a folder: {path}/"
    return MissingSource(f"data.source.path {path!r} finds no {kind} file{there}", _wanted(kind), fix)


def _wanted(kind: str) -> str:
    return f"files ending in {', '.join(ENDINGS[kind])} (or these with .gz, .zst, .bz2 or .xz)"
