"""The tokenizer of plain content: what tokenization, evaluation and serving encode with, so that a text has the same ids everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path


def load_content_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`: no truncation, no padding, and "<eos>" in a text is five characters.

    Args:
        folder: of a tokenizer, or of a model.
    """
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer
