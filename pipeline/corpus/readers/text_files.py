"""Plain-text files: each document is a run of whole paragraphs up to a maximum size.

Paragraphs are separated by blank lines. A short file becomes one document, a book becomes many. Their group is the file's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined, Record
from pipeline.corpus.readers.encoding import as_utf8
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.text_lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

DOCUMENT_CHARS = 4000
"""A document of this many characters ends at the next end of a paragraph; one twice as long at the next end of a line."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield the documents of each file.

    Raises:
        BadInput: a compressed stream is broken.
        SourceChanged: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, progress) as stream:
            yield from _documents(lines(as_utf8(stream, source.encoding), name), name)


def _documents(found: Iterable[tuple[str, str | Quarantined]], group: str) -> Iterator[Record | Quarantined]:
    paragraphs: list[str] = []
    size = 0
    for _, line in found:
        if isinstance(line, Quarantined):
            yield line
            continue
        blank = not line.strip()
        if paragraphs and ((blank and size >= DOCUMENT_CHARS) or size >= 2 * DOCUMENT_CHARS):
            yield Record("\n".join(paragraphs), group=group)
            paragraphs, size = [], 0
        if paragraphs or not blank:
            paragraphs.append(line)
            size += len(line) + 1
    if paragraphs:
        yield Record("\n".join(paragraphs), group=group)
