"""WARC files, as web crawlers write them (ISO 28500): each HTML page that a server answered with is one record, its main text.

WET files hold text that was extracted before; each of their records is read as it is. Other records (requests, images, redirects, errors of
servers) are filtered by kind. A file whose records have wrong lengths is refused: behind the damage nothing tells records from text.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataException
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from pipeline.corpus.documents import Filtered, Quarantined
from pipeline.corpus.readers.fields import to_record
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.web_page import MAX_BYTES, page_fields, text_fields
from pipeline.errors import BadInput

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

PROTOCOLS = ["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"]
NEXT = b"\r\nWARC-Type: "
"""A line of the head of every record."""
HTML = ("text/html", "application/xhtml+xml")


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined | Filtered]:
    """Yield each page's record.

    Raises:
        BadInput: a file is damaged, or is no WARC file.
        SourceChanged: a file changed since it was planned.
    """
    progress, columns = ReadProgress(reporter, pin), source.row_columns
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, progress) as stream:
            for page in _pages(stream, name, source.encoding):
                yield to_record(page, columns, f"{name}: {page['url']}") if isinstance(page, dict) else page


def _pages(stream: io.BufferedReader, name: str, encoding: str | None) -> Iterator[dict[str, Any] | Quarantined | Filtered]:
    """The fields of each page, or why a record is none."""
    if not stream.peek(5).startswith(b"WARC/"):
        raise BadInput(f"{name} is no WARC file", "WARC/1.0 or WARC/1.1 in its first line", "correct data.source.path or data.source.kind")
    number = 0
    try:
        # the head of an answer is parsed below, where one that is broken costs one record
        for record in ArchiveIterator(stream, no_record_parse=True):
            number += 1
            yield _page(record, name, number, encoding)
    except ArchiveLoadFailed as error:
        raise _damaged(name, number + 1) from error


def _page(record: Any, name: str, number: int, encoding: str | None) -> dict[str, Any] | Quarantined | Filtered:  # noqa: ANN401 - warcio's record
    head, where = record.rec_headers, f"{name}:{number}"
    if not (head.get_header("Content-Length") or "").isdecimal():
        raise _damaged(name, number)
    rest = record.raw_stream
    found = _content(record, encoding)
    while rest.read(1 << 20):
        pass
    swallowed = isinstance(found, _Content) and NEXT in found.content
    if rest.limit or swallowed:  # the record promises bytes that the file does not have, or that are the next record
        raise _damaged(name, number)
    if isinstance(found, Filtered):
        return found
    if isinstance(found, str):
        return Quarantined(found, where)
    url, date = head.get_header("WARC-Target-URI") or "", head.get_header("WARC-Date") or ""
    return page_fields(found.content, where, found.encoding, url, date) if found.html else text_fields(found.content, where, url, date)


class _Content(NamedTuple):
    content: bytes
    html: bool
    encoding: str | None


def _content(record: Any, encoding: str | None) -> _Content | Filtered | str:  # noqa: ANN401 - warcio's record
    """What a record holds, why it is no page, or why it cannot be read."""
    if record.rec_type == "conversion":
        return _Content(record.raw_stream.read(MAX_BYTES + 1), html=False, encoding=None)
    if record.rec_type != "response":
        return Filtered("other_record")
    try:
        record.http_headers = StatusAndHeadersParser(PROTOCOLS).parse(record.raw_stream)
    except (StatusAndHeadersParserException, EOFError):
        return "no HTTP answer"
    if record.http_headers.get_statuscode() != "200":
        return Filtered("other_status")
    form, _, options = (record.http_headers.get_header("Content-Type") or "").partition(";")
    if form.strip().lower() not in HTML:
        return Filtered("other_format")
    try:
        content = record.content_stream().read(MAX_BYTES + 1)
    except (ChunkedDataException, zlib.error, OSError, EOFError):
        return "an answer that cannot be decompressed"
    return _Content(content, html=True, encoding=encoding or _charset(options))


def _charset(options: str) -> str | None:
    """The encoding that the server named after the content type, if the decoder knows it."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    parts = (part.strip().partition("=") for part in options.split(";"))
    named = next((value.strip("\"' ") for name, _, value in parts if name.lower() == "charset"), "")
    found: str | None = map_encoding_to_html5(named, fallback_utf8=False) if named else None
    return found


def _damaged(name: str, number: int) -> BadInput:
    return BadInput(f"{name} is damaged at record {number}", "a complete WARC file", "write or download the file again, or remove it")
