"""Lines of a byte stream, of bounded length, decoded one by one so that a bad one spoils only itself."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from pipeline.corpus.documents import Quarantined

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 16 << 20
"""Longest line that is read, in bytes."""
BOM = b"\xef\xbb\xbf"


def lines(stream: IO[bytes], name: str) -> Iterator[tuple[str, str | Quarantined]]:
    """Each line without its end, with where it stands (``name:number``); or why it cannot be read.

    Args:
        stream: what to read.
        name: what to call it.
    """
    number = 0
    while line := stream.readline(LONGEST):
        number += 1
        where = f"{name}:{number}"
        if len(line) == LONGEST and not line.endswith(b"\n"):
            _skip(stream)
            yield where, Quarantined(f"longer than {LONGEST >> 20} MB", where, line[:200].decode("utf-8", "replace"))
            continue
        if number == 1:
            line = line.removeprefix(BOM)
        try:
            yield where, line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield (
                where,
                Quarantined("not UTF-8", where, line[max(0, error.start - 20) : error.start + 80].decode("utf-8", "backslashreplace")),
            )


def _skip(stream: IO[bytes]) -> None:
    """Read on to the end of the line."""
    while (rest := stream.readline(LONGEST)) and not rest.endswith(b"\n"):
        pass
