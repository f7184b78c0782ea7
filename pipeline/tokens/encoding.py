"""Bulk encoding: the fastest encoder that gives the ids of the tokenizer.

tiktoken with the same merges is five times as fast as `tokenizers` on one core. It knows byte-level BPE with GPT-2's regular
expression only, so it is used when the tokenizer is of that kind *and* gave the same ids for a sample of the corpus; every
other tokenizer encodes by itself. In both, the letters of a special token inside a text ("<eos>" in a page about tokenizers)
are plain text: nobody may end a document from within.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import tiktoken
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

GPT2_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""How `tokenizers`' ByteLevel cuts text into words."""
SAMPLE = 200
"""Texts on which both encoders must agree: spread evenly over the first batch, and those that are not plain ASCII first."""

if TYPE_CHECKING:
    Encode = Callable[[Sequence[str]], list[NDArray[np.int64]]]


def bulk_encoder(tokenizer: Tokenizer, sample: Sequence[str], threads: int) -> Encode:
    """A function from texts to token ids, without special tokens.

    Args:
        tokenizer: what defines the ids.
        sample: texts of the corpus to compare the encoders on.
        threads: threads to encode with.
    """
    exact = own_encoder(tokenizer)
    fast = tiktoken_encoding(tokenizer)
    if fast is None:
        return exact
    chosen = _choose(sample)
    same = all(np.array_equal(left, right) for left, right in zip(exact(chosen), _with(fast, 1)(chosen), strict=True))
    log.info("encoding with %s (sample of %d texts)", "tiktoken" if same else "tokenizers: tiktoken gave other ids", len(chosen))
    return _with(fast, threads) if same else exact


def own_encoder(tokenizer: Tokenizer) -> Encode:
    """The tokenizer's own encoding, special tokens in the text taken as plain text."""
    tokenizer.encode_special_tokens = True

    def encode(texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return [np.asarray(row.ids, dtype=np.int64) for row in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return encode


def tiktoken_encoding(tokenizer: Tokenizer) -> tiktoken.Encoding | None:
    """The same merges as a tiktoken encoding; None when the tokenizer is of another kind.

    tiktoken merges by the id of the result, so ids must rise in the order of the merges.
    """
    import tiktoken

    data = json.loads(tokenizer.to_str())
    if not _gpt2_like(data):
        return None
    vocabulary: dict[str, int] = data["model"]["vocab"]
    specials = {token["content"] for token in data["added_tokens"]}
    merges = [pair if isinstance(pair, list) else pair.split(" ") for pair in data["model"]["merges"]]
    order = [vocabulary["".join(pair)] for pair in merges]
    to_byte = _byte_of_character()
    tokens = {token: token_id for token, token_id in vocabulary.items() if token not in specials}
    if order != sorted(set(order)) or any(character not in to_byte for token in tokens for character in token):
        return None
    ranks = {bytes(to_byte[character] for character in token): token_id for token, token_id in tokens.items()}
    if any(bytes([value]) not in ranks for value in range(256)):
        return None
    return tiktoken.Encoding("corpus", pat_str=GPT2_WORDS, mergeable_ranks=ranks, special_tokens={})


def _with(encoding: tiktoken.Encoding, threads: int) -> Encode:
    def encode(texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return [np.asarray(ids, dtype=np.int64) for ids in encoding.encode_ordinary_batch(list(texts), num_threads=threads)]

    return encode


def _choose(texts: Sequence[str]) -> list[str]:
    """Half of the sample from texts that are not ASCII, where there are such: there the two could differ."""
    odd = [text for text in texts if not text.isascii()][: SAMPLE // 2]
    step = max(1, len(texts) // (SAMPLE - len(odd)))
    return odd + list(texts)[::step][: SAMPLE - len(odd)]


def _gpt2_like(data: dict[str, object]) -> bool:
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


def _byte_of_character() -> dict[str, int]:
    """GPT-2's table from printable stand-ins back to bytes: printable Latin-1 stands for itself, the rest from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    other = [value for value in range(256) if value not in plain]
    return {chr(value): value for value in plain} | {chr(0x100 + index): value for index, value in enumerate(other)}
