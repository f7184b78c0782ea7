"""The elements of one JSON array, one by one: a file of any size is read in bounded memory.

The standard library parses a whole array at once. Here only brackets, commas and strings are followed, and each element is parsed
by itself, so that a broken element costs one record.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from pipeline.corpus.readers import text_lines
from pipeline.errors import BadInput

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from pipeline.corpus.documents import Quarantined

ARRAY = re.compile(rb"\s*\[(?:[ \t\r]*(?:\{|\n|\Z)|\s*\]\s*\Z)")
"""The beginning of a file that holds one array of objects, or an empty one; a list on a line of its own is no such file."""
STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)
"""A whole string, or a sign outside strings; a quote alone begins a string that goes on in the next piece."""
STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
PIECE = 1 << 18
"""Bytes that are looked at together."""
SPACE = b" \t\r\n"


def is_array(stream: io.BufferedReader) -> bool:
    """Whether a stream holds one JSON array; nothing is read from it."""
    return ARRAY.match(stream.peek(PIECE)) is not None


def array_elements(stream: IO[bytes], name: str) -> Iterator[tuple[str, str | Quarantined]]:
    """Each element as JSON text, or why it cannot be read, with its location (``name: element 3``).

    Args:
        stream: UTF-8 without a byte-order mark, at its beginning.
        name: name of the stream in locations.

    Raises:
        BadInput: the array does not end, or something follows it.
    """
    elements = _Elements(stream)
    for number, element in enumerate(elements.split(), start=1):
        where = f"{name}: element {number}"
        if len(element) > text_lines.MAX_LINE_BYTES:
            yield where, text_lines.too_long(where, element)
            continue
        try:
            yield where, element.decode("utf-8")
        except UnicodeDecodeError as error:
            yield where, text_lines.not_utf8(where, error)
    if elements.problem:
        raise BadInput(f"{name} {elements.problem} (element {elements.count})", "one complete JSON array", "write the file again")


class _Elements:
    """Splits an array at the commas of its outer level."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.problem: str | None = None
        self.count = 0
        """Elements begun so far."""
        self._kept: list[bytes] = []
        """The pieces of the current element."""
        self._size = 0

    def split(self) -> Iterator[bytes]:
        """Each element; of a very long one only the beginning, longer than what is read. Notes a problem at the end of the stream."""
        depth, inside, rest = 0, False, b""
        while piece := self.stream.read(PIECE):
            data = rest + piece
            rest = b""
            # an escape that the piece cuts in two is looked at with the next one
            slashes = len(data) - len(data.rstrip(b"\\"))
            if slashes % 2:
                data, rest = data[:-1], b"\\"
            start = place = 0
            while True:
                if inside:
                    end = STRING_END.match(data, place)
                    if end is None:
                        break
                    place, inside = end.end(), False
                sign = STRUCTURE.search(data, place)
                if sign is None:
                    break
                place, found = sign.end(), data[sign.start()]
                if found == 0x22:  # a quote
                    inside = place - sign.start() == 1
                elif found in b"[{":
                    depth += 1
                    if depth == 1:
                        start = place
                elif depth == 1 and found in b",]":
                    self._keep(data[start : place - 1])
                    yield from self._take(last=found == 0x5D)
                    start = place
                    if found == 0x5D:
                        self._check_end(data[place:] + rest)
                        return
                elif found in b"]}" and depth > 1:
                    depth -= 1
            if depth:
                self._keep(data[start:])
        self.count += 1
        self.problem = "ends inside its array"

    def _keep(self, part: bytes) -> None:
        if self._size <= text_lines.MAX_LINE_BYTES:
            self._kept.append(part)
            self._size += len(part)

    def _take(self, *, last: bool) -> Iterator[bytes]:
        """The element that ends here; nothing before the end of an empty array."""
        element = b"".join(self._kept).strip(SPACE)
        self._kept, self._size = [], 0
        if element or not last:
            self.count += 1
            yield element

    def _check_end(self, rest: bytes) -> None:
        """Nothing but white space may follow the array."""
        while not rest.strip(SPACE):
            rest = self.stream.read(PIECE)
            if not rest:
                return
        self.problem = "goes on behind the end of its array"
