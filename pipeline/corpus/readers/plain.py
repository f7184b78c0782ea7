"""Plain text: whole paragraphs, as many as fit, make a document.

Paragraphs are separated by blank lines. A file that is one short note becomes one document, a book becomes many; the group
of each is the file's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined, Record
from pipeline.corpus.readers.opening import open_item
from pipeline.corpus.readers.read_progress import Meter
from pipeline.corpus.readers.text_lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

DOCUMENT = 4000
"""Characters at which a document ends, at the next end of a paragraph (or of a line, once twice as long)."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:  # noqa: ARG001 - a Reader's signature
    """Yield the documents of each file.

    Raises:
        BadInput: a compressed stream is broken.
        Unavailable: a file changed since it was planned.
    """
    meter = Meter(reporter, pin)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, meter) as stream:
            yield from _documents(lines(stream, name), name)


def _documents(found: Iterable[tuple[str, str | Quarantined]], group: str) -> Iterator[Record | Quarantined]:
    held: list[str] = []
    size = 0
    for _, line in found:
        if isinstance(line, Quarantined):
            yield line
            continue
        blank = not line.strip()
        if held and ((blank and size >= DOCUMENT) or size >= 2 * DOCUMENT):
            yield Record("\n".join(held), group=group)
            held, size = [], 0
        if held or not blank:
            held.append(line)
            size += len(line) + 1
    if held:
        yield Record("\n".join(held), group=group)
