"""Lines of a byte stream, of bounded length, decoded one by one, so that a bad line affects no other line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from pipeline.corpus.documents import Quarantined

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES = 8 << 20
"""Longer lines are quarantined. Three bytes of JSON can become 72 in memory, so this bounds what a line costs to 200 MB."""
NOT_UTF8 = "not UTF-8"


def lines(stream: IO[bytes], name: str) -> Iterator[tuple[str, str | Quarantined]]:
    """Each line without its line end, or why it cannot be read, with its location (``name:number``).

    Args:
        stream: UTF-8 without a byte-order mark.
        name: name of the stream in locations.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        where = f"{name}:{number}"
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip(stream)
            yield where, too_long(where, line)
            continue
        try:
            yield where, line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield where, not_utf8(where, error)


def too_long(where: str, beginning: bytes) -> Quarantined:
    """A line or record that is longer than what is read."""
    return Quarantined(f"longer than {MAX_LINE_BYTES >> 20} MB", where, beginning[:200].decode("utf-8", "replace"))


def not_utf8(where: str, error: UnicodeDecodeError) -> Quarantined:
    """A record that cannot be decoded; the excerpt is around the first bad byte."""
    excerpt = error.object[max(0, error.start - 20) : error.start + 80].decode("utf-8", "backslashreplace")
    return Quarantined(NOT_UTF8, where, excerpt)


def _skip(stream: IO[bytes]) -> None:
    """Skip to the end of the line."""
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
