"""GGUF, the format of llama.cpp: one file with metadata, tokenizer and weights.

Layout (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): magic, version, number of tensors, number of metadata entries, then
the entries: key, type, value. Their order is free, but converters write the architecture and its sizes before the long lists of tokens.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.families.base_facts import BaseFacts
from pipeline.families.families import families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.starts.formats.base import Look

MAGIC = b"GGUF"
LIMIT = 1 << 18
"""Bytes that are read of a file."""

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type of a value → its form for `struct`."""

STRING, ARRAY = 8, 9
ARCHITECTURE = "general.architecture"


class Gguf:
    """Implements `pipeline.starts.formats.base.WeightFormat`."""

    patterns = ("*.gguf",)
    alone = True

    def facts(self, look: Look) -> BaseFacts | None:
        """Architecture and context, where they are at the beginning. llama.cpp's names of architectures are mostly transformers' own.

        Raises:
            BadInput: it is no GGUF file.
        """
        (name,) = look.names
        data = look.read(name, LIMIT)
        if data[:4] != MAGIC:
            raise BadInput(f"{name} is cut or damaged: it does not begin with {MAGIC.decode()}", "a complete GGUF file", "fetch it again")
        found: dict[str, object] = {}
        try:
            for key, value in _entries(data):
                found[key] = value
                if f"{found.get(ARCHITECTURE)}.context_length" in found:
                    break
        except struct.error:
            pass  # the entries go on beyond what was read
        family = str(found.get(ARCHITECTURE, ""))
        positions = found.get(f"{family}.context_length")
        known = families().get(family)
        return BaseFacts(family, known.kind, positions if isinstance(positions, int) else None) if known else None


FORMAT = Gguf()


def _entries(data: bytes) -> Iterator[tuple[str, object]]:
    """Key and value of each entry whose value is one string or number; ends at the first list.

    Raises:
        struct.error: the bytes end inside an entry.
    """
    _, _, count = struct.unpack_from("<IQQ", data, len(MAGIC))
    place = len(MAGIC) + struct.calcsize("<IQQ")
    for _ in range(count):
        key, place = _string(data, place)
        (kind,) = struct.unpack_from("<I", data, place)
        place += 4
        if kind == STRING:
            value: object
            value, place = _string(data, place)
        elif kind in NUMBERS:
            form = f"<{NUMBERS[kind]}"
            (value,) = struct.unpack_from(form, data, place)
            place += struct.calcsize(form)
        else:
            return
        yield key, value


def _string(data: bytes, place: int) -> tuple[str, int]:
    """A text after its length, and the place behind it."""
    (length,) = struct.unpack_from("<Q", data, place)
    begin = place + 8
    if begin + length > len(data):
        raise struct.error("the text goes on beyond what was read")
    return data[begin : begin + length].decode("utf-8", "replace"), begin + length
