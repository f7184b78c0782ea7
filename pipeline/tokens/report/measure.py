"""How a tokenizer divides texts: for each text its tokens, and how many of its words become several tokens.

A word is a run of letters, marks and digits. Rust et al. 2021 ("How Good is Your Tokenizer?", ACL) compare tokenizers by the tokens of a word
("fertility") and by the share of words that are split. Scripts that are written without spaces (Chinese, Japanese, Thai, …) show no words; of
their texts only tokens, characters and bytes are counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from pipeline.tokens.report.sample import SampledText

COLUMNS = ("documents", "characters", "bytes", "tokens", "words", "word_tokens", "split_words", "unknown")
"""What `Measured.counts` has of each text; ``documents`` is the number of its document."""

TEXTS = 256
"""Texts that are encoded at once."""

ASCII_WORD = re.compile("[A-Za-z0-9]+")
WORD = regex.compile(r"(?:(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])[\p{L}\p{M}\p{N}])+")


class Words(NamedTuple):
    """The words of a text."""

    spans: NDArray[np.int64]
    """[words, 2]: begin and end."""

    first: NDArray[np.int64]
    """[words]: the first token of each."""

    last: NDArray[np.int64]
    """[words]: the token behind the last one."""

    offsets: NDArray[np.int64]
    """[tokens, 2]: begin and end of each token."""


@dataclass(frozen=True)
class Measured:
    """What a tokenizer makes of some texts."""

    counts: NDArray[np.int64]
    """[texts, columns]: `COLUMNS` of each text."""

    used: NDArray[np.bool_]
    """[vocabulary]: whether a token occurs."""

    pieces: Counter[tuple[str, ...]]
    """Texts that have a split word, by the pieces of that word in lower case."""


def measure(texts: Sequence[SampledText], tokenizer: Tokenizer, *, pieces: bool = False) -> Measured:
    """Encode texts and count.

    Args:
        texts: of a corpus.
        tokenizer: of plain content.
        pieces: whether split words are taken note of.
    """
    unknown, split = unknown_token(tokenizer), Counter[tuple[str, ...]]()
    used = np.zeros(max(tokenizer.get_vocab().values()) + 1, dtype=np.bool_)
    rows: list[tuple[int, ...]] = []
    for start in range(0, len(texts), TEXTS):
        batch = texts[start : start + TEXTS]
        for one, encoding in zip(batch, tokenizer.encode_batch([one.text for one in batch], add_special_tokens=False), strict=True):
            words = cover(one.words, encoding)
            each = words.last - words.first
            used[encoding.ids] = True
            if pieces:
                split.update(_split_words(one.text, words))
            size = len(one.text) if one.text.isascii() else len(one.text.encode())
            row = (one.document, len(one.text), size, len(encoding.ids), len(each), int(each.sum()), int((each > 1).sum()))
            rows.append((*row, encoding.ids.count(unknown) if unknown is not None else 0))
    return Measured(np.array(rows, dtype=np.int64).reshape(-1, len(COLUMNS)), used, split)


def find_words(text: str) -> NDArray[np.int64]:
    """[words, 2]: begin and end of each word of a text."""
    found = (ASCII_WORD if text.isascii() else WORD).finditer(text)
    return np.array([word.span() for word in found], dtype=np.int64).reshape(-1, 2)


def cover(spans: NDArray[np.int64], encoding: Encoding) -> Words:
    """Words, and the tokens that cover a part of each; a token may cover several words.

    Args:
        spans: what `find_words` gave.
        encoding: of the same text.
    """
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    first, last = np.searchsorted(offsets[:, 1], spans[:, 0], side="right"), np.searchsorted(offsets[:, 0], spans[:, 1])
    return Words(spans, first, np.maximum(first, last), offsets)


def unknown_token(tokenizer: Tokenizer) -> int | None:
    """Id of the token for what the tokenizer does not know; None if it knows everything."""
    model = json.loads(tokenizer.to_str())["model"]
    named = model.get("unk_token")
    if named is not None:
        found: int | None = tokenizer.token_to_id(named)
        return found
    number: int | None = model.get("unk_id")
    return number


def _split_words(text: str, words: Words) -> set[tuple[str, ...]]:
    """The split words of a text, as its tokens divide them, in lower case."""
    places = np.flatnonzero(words.last - words.first > 1)
    offsets, found = words.offsets.tolist(), set[tuple[str, ...]]()
    for (begin, end), first, last in zip(
        words.spans[places].tolist(), words.first[places].tolist(), words.last[places].tolist(), strict=True
    ):
        inner = {place for token in offsets[first:last] for place in token if begin < place < end}
        found.add(tuple(text[left:right].casefold() for left, right in pairwise(sorted({begin, end} | inner))))
    return found
