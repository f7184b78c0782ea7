"""Images in folders with ``metadata.csv`` or ``metadata.jsonl`` beside them: each row is a record, and brings the bytes of its image along.

A row names a file of its own folder or of one below it. Only pinned files are opened, so no name leads out of the source. What a row cannot
have is quarantined with its reason; an image that no row names is counted as ``filtered_no_row``.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Filtered, Quarantined, Record
from pipeline.corpus.images import MAX_BYTES
from pipeline.corpus.readers import csv_files, jsonl_files
from pipeline.corpus.readers.open_item import open_raw
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.sources.base import Pin
from pipeline.sources.image_folder import is_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Fields
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import PinnedItem

NO_ROW = "no_row"


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined | Filtered | Fields]:
    """Yield the record of each row, folder by folder, then one for each image without a row.

    Raises:
        BadInput: a CSV file lacks a field the recipe names.
        SourceChanged: a file changed since it was planned.
    """
    files = {pin.path(item): item for item in pin.items}
    images = _Images({path: item for path, item in files.items() if not is_metadata(path)}, settings, ReadProgress(reporter, pin))
    for path in filter(is_metadata, files):
        kind, reader = ("csv", csv_files.read) if path.endswith(".csv") else ("jsonl", jsonl_files.read)
        rows = source.model_copy(update={"kind": kind, "columns": source.row_columns})
        for found in reader(rows, Pin(kind=kind, items=(files[path],)), settings, reporter):
            yield images.of_row(found, PurePosixPath(path).parent) if isinstance(found, Record) else found
    for _ in images.files.keys() - images.named:
        yield Filtered(NO_ROW)


class _Images:
    """The images of a source."""

    def __init__(self, files: dict[str, PinnedItem], settings: Settings, progress: ReadProgress) -> None:
        self.files, self.settings, self.progress = files, settings, progress
        self.named: set[str] = set()
        """Those that a row names."""
        self._last: tuple[str, bytes] = ("", b"")
        """The newest one: its texts often follow each other."""

    def of_row(self, record: Record, folder: PurePosixPath) -> Record | Quarantined:
        """The record with the bytes of its image."""
        name = record.image
        if not isinstance(name, str):
            return Quarantined("the name of the image is not text", record.where, str(name)[:200])
        if not name or "\\" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            return Quarantined("the name of the image leads out of its folder", record.where, name[:200])
        path = str(folder / name)
        if path not in self.files:
            return Quarantined("there is no such image", record.where, name[:200])
        self.named.add(path)
        if self.files[path].size > MAX_BYTES:
            return Quarantined(f"an image of more than {MAX_BYTES >> 20} MB", record.where, name[:200])
        if self._last[0] != path:
            self._last = path, self._read(self.files[path])
        return record._replace(image=self._last[1], where=f"{record.where} ({name[:100]})")

    def _read(self, item: PinnedItem) -> bytes:
        with open_raw(item, self.settings, self.progress) as stream:
            content = stream.read()
        self.progress.add(len(content))
        return content
