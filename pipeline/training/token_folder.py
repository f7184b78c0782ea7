"""A token folder as training reads it: sizes, special tokens, and streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.models.shape import Specials
from pipeline.tokens.layout import read_layout
from pipeline.tokens.token_stream import TokenStream

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class TokenFolder:
    """What tokenization wrote."""

    folder: Path
    vocabulary: int
    specials: Specials
    max_source_tokens: int
    max_target_tokens: int

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file, to be shipped with the model."""
        return self.folder / "tokenizer.json"

    def stream(self, name: str) -> TokenStream:
        """One stream of token ids, e.g. ``"stream-train"``."""
        return TokenStream(self.folder, name)


def open_tokens(folder: Path) -> TokenFolder:
    """Read `tokens.json`: what a model must know about its tokens.

    Raises:
        Damaged: `tokens.json` is missing or cannot be read.
    """
    layout = read_layout(folder)
    specials = Specials(**layout.special, sentinels=tuple(layout.sentinels))
    return TokenFolder(folder, layout.vocabulary, specials, layout.max_source_tokens, layout.max_target_tokens)
