"""`tokens.json`: vocabulary, dtype, special tokens and lengths of a tokens artifact."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import Damaged

if TYPE_CHECKING:
    from pathlib import Path

FILE = "tokens.json"


@dataclass(frozen=True)
class Layout:
    """How to read the shards."""

    vocabulary: int
    """Number of token ids, special tokens included."""

    dtype: str
    """``uint16`` or ``uint32``."""

    special: dict[str, int]
    """Ids of ``pad``, ``eos``, ``bos``, ``unk``, ``sep``."""

    sentinels: list[int]
    """Ids of the sentinels of span corruption, in order."""

    max_source_tokens: int
    """Longest source of a pair."""

    max_target_tokens: int
    """Longest target of a pair, its end token included."""

    counts: dict[str, int] = field(default_factory=dict)
    """Documents, tokens and bytes of each stream; pairs of each split, and how many were cut."""


def write_layout(folder: Path, layout: Layout) -> None:
    """Write `tokens.json`."""
    (folder / FILE).write_text(json.dumps(asdict(layout), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_layout(folder: Path) -> Layout:
    """Read `tokens.json`.

    Raises:
        Damaged: the file is missing or not what `write_layout` writes.
    """
    try:
        return Layout(**json.loads((folder / FILE).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(f"{folder / FILE} cannot be read: {error}", "a tokens artifact", "tokenize the corpus again") from error
