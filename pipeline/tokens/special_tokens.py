"""The special tokens of a tokenizer that is trained here, and how it frames a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers.processors import TemplateProcessing

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "<unk>", "sep": "<sep>", "mask": "<mask>"}
"""Role → token, in the order of their ids, from 0."""


def sentinel_names(count: int) -> list[str]:
    """``<extra_id_0>`` and so on: what span corruption replaces a span by."""
    return [f"<extra_id_{index}>" for index in range(count)]


def all_names(sentinels: int) -> list[str]:
    """All special tokens, in the order of their ids."""
    return [*NAMES.values(), *sentinel_names(sentinels)]


def frame(ids: Mapping[str, int]) -> TemplateProcessing:
    """``<bos> text <eos>``, and ``<bos> one <eos> other <eos>`` for a pair, as RoBERTa and BART frame them."""
    return TemplateProcessing(
        single="<bos> $A <eos>", pair="<bos> $A <eos> $B <eos>", special_tokens=[(name, ids[name]) for name in ("<bos>", "<eos>")]
    )
