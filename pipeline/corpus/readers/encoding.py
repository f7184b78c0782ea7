"""Text files as UTF-8, whatever their encoding: that of the recipe, else UTF-16 or UTF-32 where the first bytes show it, else UTF-8.

Nothing is guessed from the letters: a wrong guess between two encodings of eight bits spoils a corpus without an error. A character
that cannot be decoded becomes bytes that are not UTF-8, so that the record that holds it is quarantined, and no other.
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codecs import IncrementalDecoder

BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order mark → encoding; the longer ones first."""
SAMPLE = 64
"""Bytes by which UTF-16 without a mark is recognized: every second one is zero in ASCII text."""
CHUNK = 1 << 16
"""Bytes that are decoded at once."""
BAD = "\udcff"
"""Stands for what cannot be decoded; no UTF-8."""
HANDLER = "trainshed.bad"


def _bad(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be decoded, and go on behind it."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - only decoders use the handler
    return BAD, error.end


codecs.register_error(HANDLER, _bad)


def as_utf8(stream: io.BufferedReader, encoding: str | None) -> io.BufferedReader:
    """The text of a stream as UTF-8 without a byte-order mark.

    Args:
        stream: at its beginning.
        encoding: the recipe's, which Python knows; None looks at the first bytes.
    """
    found = encoding or _sniff(stream.peek(SAMPLE)[:SAMPLE])
    if codecs.lookup(found).name == "utf-8":
        if stream.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
            stream.read(len(codecs.BOM_UTF8))
        return stream
    return io.BufferedReader(_Utf8(stream, codecs.getincrementaldecoder(found)(HANDLER)), 1 << 18)


def _sniff(sample: bytes) -> str:
    """The encoding that the first bytes show."""
    for mark, encoding in BOMS.items():
        if sample.startswith(mark):
            return encoding
    low, high = sample[::2], sample[1::2]
    if len(sample) >= 8 and not any(high) and all(low):
        return "utf-16-le"
    if len(sample) >= 8 and not any(low) and all(high):
        return "utf-16-be"
    return "utf-8"


class _Utf8(io.RawIOBase):
    """Decodes a stream and encodes it as UTF-8."""

    def __init__(self, stream: io.BufferedReader, decoder: IncrementalDecoder) -> None:
        self._stream, self._decoder = stream, decoder
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            data = self._stream.read1(CHUNK)
            self._ended = not data
            self._ready = self._decoder.decode(data, final=not data).encode("utf-8", "surrogatepass")
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
