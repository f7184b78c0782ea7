"""HTML files: each is one record, its main text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers.fields import to_record
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.web_page import MAX_BYTES, page_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each page's record.

    Raises:
        BadInput: a compressed stream is broken.
        SourceChanged: a file changed since it was planned.
    """
    progress, columns = ReadProgress(reporter, pin), source.row_columns
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, progress) as stream:
            content = stream.read(MAX_BYTES + 1)
            while stream.read(1 << 20):  # the rest of a page that is too large: it must have its pinned bytes too
                pass
        page = page_fields(content, name, source.encoding)
        yield page if isinstance(page, Quarantined) else to_record(page, columns, name)
