"""What an encoder classifies from: the mean of all states, or the first one.

Some families, ModernBERT among them, have a field for it in their configuration: their own classifier then does both. The others
classify from the first state only, and need a head of ours for the mean. Nobody asks for the name of a family: the field decides.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from transformers import PretrainedConfig

FIELD = "classifier_pooling"
MEAN = "mean"
FIRST = ("cls", "bos")
"""The names that families give to the first state; the last one is taken where a family does not list its values."""


def pools_itself(config: PretrainedConfig) -> bool:
    """Whether the family's own classifier can take the mean of the states, padding left out."""
    return hasattr(config, FIELD)


def set_pooling(config: PretrainedConfig, *, mean: bool) -> None:
    """Choose what the family's own classifier pools; nothing for a family without a choice."""
    if not pools_itself(config):
        return
    types = {field.name: field.type for field in fields(config)} if is_dataclass(config) else {}
    listed = get_args(types.get(FIELD))
    first = next((name for name in FIRST if name in listed), FIRST[-1])
    setattr(config, FIELD, MEAN if mean else first)
