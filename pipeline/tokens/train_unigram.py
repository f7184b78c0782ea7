"""Unigram (Kudo 2018), the model of SentencePiece, on bytes: the most probable segmentation of each word into pieces.

Words are those of byte-level BPE. A piece is whole characters or a single byte, so every text can be encoded, as with the byte fallback of
SentencePiece, and decoding gives it back, blanks and line ends included.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import regex
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from pipeline.tokens.encoding import GPT2_WORDS, byte_of_character
from pipeline.tokens.unigram_pieces import learn_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NEVER = -1000.0
"""Logarithm of the probability of a special token: no text is divided into it."""

MOST_WORDS = 2_000_000
"""Different words that are counted at a time; beyond, the rarer half is forgotten."""

WORD = regex.compile(GPT2_WORDS)
ASCII_WORD = re.compile(
    GPT2_WORDS.replace(r"[^\s\p{L}\p{N}]", r"[^\sA-Za-z0-9]").replace(r"\p{L}", "[A-Za-z]").replace(r"\p{N}", "[0-9]"), re.ASCII
)
"""The same for ASCII text, in half the time."""


def train_unigram(texts: Iterable[str], vocabulary: int, min_frequency: int, specials: Sequence[str], unknown: str) -> Tokenizer:
    """Train a tokenizer on texts.

    Args:
        texts: to learn from.
        vocabulary: most tokens.
        min_frequency: a piece occurs at least this often.
        specials: special tokens, in the order of their ids.
        unknown: the one of them that stands for what is unknown; nothing is.
    """
    characters = {value: character for character, value in byte_of_character().items()}
    pieces = learn_pieces(_count_words(texts).items(), vocabulary - len(specials), min_frequency)
    named = [("".join(characters[value] for value in piece), chance) for piece, chance in pieces]
    tokenizer = Tokenizer(models.Unigram([*((name, NEVER) for name in specials), *named], unk_id=list(specials).index(unknown)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in specials])
    return tokenizer


def _count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update((ASCII_WORD if text.isascii() else WORD).findall(text))
        if len(counts) > MOST_WORDS:
            counts = Counter(dict(counts.most_common(MOST_WORDS // 2)))
    return counts
