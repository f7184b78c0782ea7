"""Whether a tokenizer knows the text of a corpus: one made for another script gives unknown tokens, or drops the letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

UNKNOWN = 0.1
"""Largest share of characters without a known token."""

TEXTS, CHARACTERS = 256, 2000
"""Texts that are looked at, and characters of each."""

FIX = "choose another base, train a tokenizer, or raise tokenizer.vocabulary"


def check_known(texts: Sequence[str], tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer that does not know the text: training would see little of it.

    Args:
        texts: of the corpus; some of them, evenly chosen, are looked at.
        tokenizer: of plain content.

    Raises:
        BadInput: too many characters, blanks aside, have no token or the unknown one; or the tokenizer fails at a text.
    """
    chosen = [text[:CHARACTERS] for text in texts[:: max(1, len(texts) // TEXTS)]]
    try:
        encoded = tokenizer.encode_batch(chosen, add_special_tokens=False)
    except Exception as error:  # tokenizers raises nothing more specific
        raise BadInput(f"the tokenizer cannot encode the corpus: {error}", "", FIX) from error
    unknown, every, known = getattr(tokenizer.model, "unk_token", None), 0, 0
    for text, encoding in zip(chosen, encoded, strict=True):
        covered = bytearray(len(text))
        for (begin, end), token in zip(encoding.offsets, encoding.tokens, strict=True):
            if token != unknown:
                covered[begin:end] = b"\x01" * (end - begin)
        marks = [mark for letter, mark in zip(text, covered, strict=True) if not letter.isspace()]
        every, known = every + len(marks), known + sum(marks)
    share = 1 - known / every if every else 0.0
    if share > UNKNOWN:
        raise BadInput(f"{share:.0%} of the corpus is unknown to the tokenizer", f"at most {UNKNOWN:.0%}", FIX)
