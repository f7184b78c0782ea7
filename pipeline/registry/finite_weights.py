"""Check that no weight of a model is NaN or infinite, without torch: read the numbers where a safetensors file has them.

The file is an 8-byte length, a JSON header with type and place of each tensor, then the tensors (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

LENGTH_BYTES = 8
METADATA = "__metadata__"
EXPONENTS = {"F64": ("<u8", 0x7FF0000000000000), "F32": ("<u4", 0x7F800000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}
"""Floating-point type → unsigned type of the same size, and the bits of its exponent. All of them are set in NaN and infinity only."""

AT_ONCE = 1 << 22
"""Numbers checked in one go, to keep memory bounded."""


def check_finite_weights(folder: Path) -> None:
    """Check every ``*.safetensors`` file of a model folder.

    Raises:
        BadInput: a file cannot be read, or a weight is NaN or infinite.
    """
    for path in sorted(folder.rglob("*.safetensors")):
        for name, kind, first, last in _tensors(path):
            if kind in EXPONENTS and _has_non_finite(path, kind, first, last):
                raise BadInput(
                    f"{path.name}: weight {name} is NaN or infinite", "", "train again with a lower learning rate or more warmup"
                )


def _tensors(path: Path) -> list[tuple[str, str, int, int]]:
    """Name, type, first and one-past-last byte of each tensor."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            header: dict[str, Any] = json.loads(file.read(length))
        start = LENGTH_BYTES + length
        return [
            (name, found["dtype"], *(start + offset for offset in found["data_offsets"]))
            for name, found in header.items()
            if name != METADATA
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path.name} is not a safetensors file: {error}", "", "train the model again") from error


def _has_non_finite(path: Path, kind: str, first: int, last: int) -> bool:
    """Whether a number between two places of a file has all bits of its exponent set."""
    import numpy as np

    unsigned, exponent = EXPONENTS[kind]
    count = (last - first) // np.dtype(unsigned).itemsize
    if not count:
        return False
    bits = np.memmap(path, unsigned, "r", first, (count,))
    return any(bool(((bits[at : at + AT_ONCE] & exponent) == exponent).any()) for at in range(0, count, AT_ONCE))
