"""Files that are read from their end: a local file, or a temporary copy of an object."""

from __future__ import annotations

from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from pipeline.corpus.readers.open_item import open_raw
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.readers.read_progress import ReadProgress
    from pipeline.settings import Settings
    from pipeline.sources.base import PinnedItem

COPIED = 1 << 20
"""Bytes of an object that are copied at once."""


@contextmanager
def seekable(item: PinnedItem, settings: Settings, progress: ReadProgress) -> Iterator[IO[bytes]]:
    """The stored bytes of an item.

    Raises:
        SourceChanged: the bytes differ from the pinned ones.
    """
    with open_raw(item, settings, progress) as raw:
        if raw.seekable():
            yield raw
            progress.add(item.size)
            return
        with TemporaryFile() as copy:
            while piece := raw.read(COPIED):
                copy.write(piece)
                progress.add(len(piece))
            copy.seek(0)
            yield copy


@contextmanager
def file_named_in_errors(item: PinnedItem, form: str) -> Iterator[None]:
    """Turn pyarrow's errors into BadInput that names the file.

    Args:
        item: the file.
        form: what it should be, e.g. ``"Parquet"``.
    """
    try:
        yield
    except (pa.ArrowException, OSError, OverflowError, MemoryError) as error:  # a damaged file may declare any size
        raise BadInput(
            f"{item.name} is not a complete {form} file: {error}", "a file that pyarrow can read", "write the file again"
        ) from error
