"""A token folder as training reads it: sizes, special tokens, and streams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from pipeline.errors import BadInput
from pipeline.models.shape import Specials
from pipeline.tokens.reader import TokenStream

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
    """Read what a model must know of its tokens.

    Raises:
        BadInput: the tokenizer lacks a special token.
    """
    facts = json.loads((folder / "tokens.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return TokenFolder(
        folder,
        int(facts["vocabulary"]),
        find_specials(tokenizer),
        int(facts["max_source_tokens"]),
        int(facts["max_target_tokens"]),
    )


def find_specials(tokenizer: Tokenizer) -> Specials:
    """Look the special tokens up by name; sentinels are ``<extra_id_0>``, ``<extra_id_1>``, ... as far as they go."""
    found = {}
    for name in ("pad", "eos", "bos", "unk", "sep"):
        number = tokenizer.token_to_id(f"<{name}>")
        if number is None:
            raise BadInput(f"the tokenizer has no <{name}>", "it among the special tokens", "add it, or leave tokenizer.given out")
        found[name] = number
    sentinels: list[int] = []
    while (number := tokenizer.token_to_id(f"<extra_id_{len(sentinels)}>")) is not None:
        sentinels.append(number)
    return Specials(**found, sentinels=tuple(sentinels))
