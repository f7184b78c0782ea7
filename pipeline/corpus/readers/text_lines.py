"""Lines of a byte stream, of bounded length, decoded one by one, so that a bad line affects no other line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES = 16 << 20
"""Longer lines are quarantined."""
BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def lines(stream: IO[bytes], name: str) -> Iterator[tuple[str, str | Quarantined]]:
    """Each line without its line end, or why it cannot be read, with its location (``name:number``).

    Args:
        stream: what to read.
        name: name of the stream in locations.

    Raises:
        BadInput: the stream is UTF-16.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        where = f"{name}:{number}"
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip(stream)
            yield where, Quarantined(f"longer than {MAX_LINE_BYTES >> 20} MB", where, line[:200].decode("utf-8", "replace"))
            continue
        if number == 1:
            if line.startswith(UTF_16):
                raise BadInput(f"{name} is UTF-16", "UTF-8", f"convert it, e.g. iconv -f UTF-16 -t UTF-8 {name}")
            line = line.removeprefix(BOM)
        try:
            yield where, line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield (
                where,
                Quarantined("not UTF-8", where, line[max(0, error.start - 20) : error.start + 80].decode("utf-8", "backslashreplace")),
            )


def _skip(stream: IO[bytes]) -> None:
    """Skip to the end of the line."""
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
