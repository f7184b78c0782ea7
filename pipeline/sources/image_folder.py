"""Source ``images``: image files in folders, with ``metadata.csv`` or ``metadata.jsonl`` beside them, as `datasets` reads an imagefolder.

A row of such a file names an image of its folder and says what belongs to it. Rows and images are read together: an image has its row in
another file. All of them are pinned, so a changed image is a changed source.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.base import MissingSource, Pin
from pipeline.sources.files import find_files, find_objects
from pipeline.sources.formats import ENDINGS, METADATA, natural
from pipeline.sources.left_out import OTHER, LeftOutCounter
from pipeline.sources.local_files import pin_files
from pipeline.sources.names import shown
from pipeline.sources.roots import check_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.recipe.data import Source
    from pipeline.settings import Settings
    from pipeline.sources.base import PinnedItem


def pin(source: Source, settings: Settings) -> Pin:
    """Pin the images below a folder or an ``s3://`` prefix, and the files with their rows.

    Raises:
        MissingSource: the folder has no image, or is none.
        BadInput: no file with rows, or two of them in one folder; the folder is outside the allowed roots.
        Unavailable: the bucket's server is unreachable.
    """
    path, left_out = source.path or "", LeftOutCounter()
    check_address(path, settings)
    items: Iterable[PinnedItem]
    if path.startswith("s3://"):
        root = path.rstrip("/") + "/"
        items = [item for item in find_objects(source.kind, path, settings, left_out) if item.name.startswith(root)]
    else:
        folder = settings.home / Path(path).expanduser()
        root = f"{shown(folder).rstrip('/')}/"
        items = pin_files(find_files(source.kind, path, settings, left_out), settings) if folder.is_dir() else []
    chosen = sorted((item for item in items if _is_wanted(item, root, left_out)), key=lambda item: natural(item.name.removeprefix(root)))
    names = [item.name.removeprefix(root) for item in chosen]
    _check(path, names)
    return Pin(kind=source.kind, items=tuple(chosen), root=root, together=True, left_out=left_out.total())


def is_metadata(path: str) -> bool:
    """Whether a file holds the rows of its folder."""
    return path.rpartition("/")[2] in METADATA


def _is_wanted(item: PinnedItem, root: str, left_out: LeftOutCounter) -> bool:
    """Whether a file is an image or has rows; the search also finds ``old-metadata.csv`` and ``a.png.gz``."""
    name = item.name.removeprefix(root)
    if is_metadata(name) or name.lower().endswith(tuple(ending for ending in ENDINGS["images"] if ending not in METADATA)):
        return True
    left_out.add(OTHER, name)
    return False


def _check(path: str, names: list[str]) -> None:
    tables = [name for name in names if is_metadata(name)]
    if len(tables) == len(names):
        wanted = "a folder or s3:// prefix with image files"
        raise MissingSource(f"data.source.path {path!r} finds no image", wanted, "correct the path")
    if not tables:
        wanted = f"{' or '.join(METADATA)}, with the name of each image and its text"
        raise BadInput(f"data.source.path {path!r} has no file with the texts of its images", wanted, "write one")
    folders = [name.rpartition("/")[0] for name in tables]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        where = f"{path.rstrip('/')}/{twice}".rstrip("/")
        raise BadInput(f"{where} has {' and '.join(METADATA)}", "one of them", "remove the other")
