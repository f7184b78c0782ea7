"""Files of this machine: each is pinned by the sha256 of its bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, SourceChanged
from pipeline.file_cache import FileCache
from pipeline.sources.base import PinnedItem
from pipeline.sources.names import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.settings import Settings


def pin_files(paths: Iterable[Path], settings: Settings) -> tuple[PinnedItem, ...]:
    """Pin files in the given order; digests are cached.

    Raises:
        BadInput: a file cannot be read.
    """
    file_cache = FileCache(settings.file_cache_path("digests"))
    try:
        items = tuple(
            PinnedItem(
                name=shown(path),
                revision=f"sha256:{file_cache.get(path, 'sha256', _sha256)}",
                size=path.stat().st_size,
                quoted=quoted(path),
            )
            for path in paths
        )
    except OSError as error:
        raise BadInput(f"cannot read {error.filename}: {error.strerror}", "", "check its permissions") from error
    file_cache.save()
    return items


def changed(name: str, how: str) -> SourceChanged:
    """The error of a step that finds other bytes than those that were pinned."""
    return SourceChanged(f"{name} changed since it was planned ({how})", "the planned version", "run the recipe when nothing writes to it")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
