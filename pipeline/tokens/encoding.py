"""Bulk encoding: the fastest encoder that gives the ids of the tokenizer.

tiktoken with the same merges is five times as fast as `tokenizers` on one core, and faster again if it encodes each word once, but it supports only
byte-level BPE with GPT-2's regular expression. It is used if the tokenizer is of that kind *and* both give the same ids for a sample of the corpus.
Otherwise `tokenizers` encodes. In both, the letters of a special token inside a text ("<eos>" in a page about tokenizers) are plain text: a
text cannot end its own document.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import numpy as np

from pipeline.tokens.word_encoder import WordEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import tiktoken
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

GPT2_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""The regular expression by which `tokenizers`' ByteLevel splits text into words."""
SAMPLE = 200
"""Number of texts on which both encoders must agree: texts with non-ASCII characters first, the rest evenly from the first batch."""

if TYPE_CHECKING:
    Encode = Callable[[Sequence[str]], list[NDArray[np.int64]]]


EXACT, FAST = "tokenizers", "tiktoken"
"""Names of the two encoders."""


def choose_encoder(tokenizer: Tokenizer, sample: Sequence[str]) -> str:
    """Name of the fastest encoder that gives the ids of the tokenizer.

    Args:
        tokenizer: defines the ids.
        sample: texts of the corpus to compare the encoders on.
    """
    fast = tiktoken_encoding(tokenizer)
    if fast is None:
        return EXACT
    compared = _sample(sample)
    exact, quick = huggingface_encoder(tokenizer)(compared), _word_encoder(fast)(compared)
    same = all(np.array_equal(left, right) for left, right in zip(exact, quick, strict=True))
    log.info("encoding with %s (sample of %d texts)", FAST if same else "tokenizers: tiktoken gave other ids", len(compared))
    return FAST if same else EXACT


def encoder_named(name: str, tokenizer: Tokenizer) -> Encode:
    """The encoder that `choose_encoder` chose: a function from texts to token ids, without special tokens."""
    fast = tiktoken_encoding(tokenizer) if name == FAST else None
    return _word_encoder(fast) if fast else huggingface_encoder(tokenizer)


def huggingface_encoder(tokenizer: Tokenizer) -> Encode:
    """Encode with `tokenizers`; special tokens inside a text are plain text."""
    tokenizer.encode_special_tokens = True

    def encode(texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return [np.asarray(row.ids, dtype=np.int64) for row in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return encode


def tiktoken_encoding(tokenizer: Tokenizer) -> tiktoken.Encoding | None:
    """The same merges as a tiktoken encoding; None if the tokenizer is of another kind.

    tiktoken merges by the id of the result, so ids must rise in the order of the merges.
    """
    import tiktoken

    data = json.loads(tokenizer.to_str())
    if not _is_gpt2_bpe(data):
        return None
    vocabulary: dict[str, int] = data["model"]["vocab"]
    specials = {token["content"] for token in data["added_tokens"]}
    if not all(token["special"] for token in data["added_tokens"]):
        return None  # words that were added to a base's tokenizer are found before the merges
    merges = [pair if isinstance(pair, list) else pair.split(" ") for pair in data["model"]["merges"]]
    order = [vocabulary["".join(pair)] for pair in merges]
    to_byte = byte_of_character()
    tokens = {token: token_id for token, token_id in vocabulary.items() if token not in specials}
    if order != sorted(set(order)) or any(character not in to_byte for token in tokens for character in token):
        return None
    ranks = {bytes(to_byte[character] for character in token): token_id for token, token_id in tokens.items()}
    if any(bytes([value]) not in ranks for value in range(256)):
        return None
    return tiktoken.Encoding("corpus", pat_str=GPT2_WORDS, mergeable_ranks=ranks, special_tokens={})


def _word_encoder(encoding: tiktoken.Encoding) -> Encode:
    return WordEncoder(encoding.encode_ordinary, lambda text: encoding.encode_to_numpy(text, disallowed_special=()))


def _sample(texts: Sequence[str]) -> list[str]:
    """Up to half of the sample are texts with non-ASCII characters: there the two encoders could differ."""
    non_ascii = [text for text in texts if not text.isascii()][: SAMPLE // 2]
    step = max(1, len(texts) // (SAMPLE - len(non_ascii)))
    return non_ascii + list(texts)[::step][: SAMPLE - len(non_ascii)]


def _is_gpt2_bpe(data: dict[str, object]) -> bool:
    """Whether a tokenizer.json is plain byte-level BPE: no normaliser, GPT-2's words, nothing random."""
    model, words = data["model"], data["pre_tokenizer"]
    return (
        isinstance(model, dict)
        and model.get("type") == "BPE"
        and not any(
            model.get(field) for field in ("dropout", "byte_fallback", "ignore_merges", "continuing_subword_prefix", "end_of_word_suffix")
        )
        and isinstance(words, dict)
        and words.get("type") == "ByteLevel"
        and words.get("use_regex") is True
        and words.get("add_prefix_space") is False
        and data.get("normalizer") is None
    )


def byte_of_character() -> dict[str, int]:
    """GPT-2's table from printable characters to bytes: printable Latin-1 maps to itself, other bytes are at U+0100 and up."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    other = [value for value in range(256) if value not in plain]
    return {chr(value): value for value in plain} | {chr(0x100 + index): value for index, value in enumerate(other)}
