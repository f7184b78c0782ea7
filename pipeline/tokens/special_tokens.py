"""The special tokens, and their ids in a tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAMES = {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "<unk>", "sep": "<sep>"}
"""In the order of their ids, from 0, in a tokenizer trained by `train_tokenizer`."""


def sentinel_names(count: int) -> list[str]:
    """``<extra_id_0>`` and so on: what span corruption replaces a span by."""
    return [f"<extra_id_{index}>" for index in range(count)]


def all_names(sentinels: int) -> list[str]:
    """All special tokens, in the order of their ids."""
    return [*NAMES.values(), *sentinel_names(sentinels)]


def special_ids(tokenizer: Tokenizer, sentinels: int) -> tuple[dict[str, int], list[int]]:
    """Ids of the named special tokens and of the sentinels, in a tokenizer that has them all."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    return {name: vocabulary[token] for name, token in NAMES.items()}, [vocabulary[token] for token in sentinel_names(sentinels)]
