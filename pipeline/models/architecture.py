"""From the recipe's ``model`` section to transformers' configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.families.families import check_fields, families, find_family
from pipeline.models import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PretrainedConfig

    from pipeline.families.vocabulary import Vocabulary

DROPOUT = ("dropout", "pdrop")
"""Words in the names of configuration fields that hold a dropout probability."""


@dataclass(frozen=True)
class Architecture:
    """Family, configuration fields and context of a model that is built from scratch."""

    family: str
    context: int
    """Longest sequence, in tokens."""

    config: Mapping[str, Any] = field(default_factory=dict)


def make_config(architecture: Architecture, vocabulary: Vocabulary, dropout: float) -> PretrainedConfig:
    """The configuration of a new model.

    The recipe's fields win. The tokenizer gives vocabulary size and special tokens, the recipe's context the number of positions.

    Raises:
        BadInput: unknown family or field, or values that the family refuses.
    """
    from transformers import AutoConfig

    known: set[str] = set()
    if architecture.family not in FAMILIES or architecture.family in families():
        check_fields(architecture.family, architecture.config)
        known = set(find_family(architecture.family).fields)
    # RoBERTa and its kin number positions from pad + 1
    positions = (
        vocabulary.pad
        + 1
        + architecture.context
        + len(vocabulary.frame.prefix)
        + len(vocabulary.frame.pair_suffix or vocabulary.frame.suffix)
    )
    given = {
        "vocab_size": vocabulary.size,
        "pad_token_id": vocabulary.pad,
        "eos_token_id": vocabulary.eos,
        "bos_token_id": vocabulary.bos,
        "decoder_start_token_id": vocabulary.pad if vocabulary.bos is None else vocabulary.bos,
        "max_position_embeddings": positions,
        # ids of the family's own tokenizer, which is not used
        **dict.fromkeys({"cls_token_id", "sep_token_id", "forced_eos_token_id", "forced_bos_token_id"} & known),
        **architecture.config,
    }
    try:
        if architecture.family in FAMILIES:
            own = FAMILIES.load(architecture.family)
            config = getattr(own, "new_config", own.config_class)(**given)
        else:
            config = AutoConfig.for_model(architecture.family, **given)
    except (TypeError, ValueError) as error:
        said = str(error).splitlines()
        raise BadInput(f"model.config of {architecture.family}: {said[0][:300] if said else error}", "", "correct model.config") from error
    set_dropout(config, dropout)
    return config


def set_dropout(config: PretrainedConfig, dropout: float) -> None:
    """Set every dropout probability of a configuration, and of the parts that it has."""
    for part in parts_of(config):
        set_dropout(part, dropout)
    for name, value in config.to_dict().items():
        if any(word in name for word in DROPOUT) and isinstance(value, float | int) and not isinstance(value, bool):
            setattr(config, name, dropout)


def parts_of(config: PretrainedConfig) -> list[PretrainedConfig]:
    """The configurations of encoder and decoder, in a family that joins two; empty for any other."""
    return [getattr(config, name) for name in ("encoder", "decoder") if name in getattr(config, "sub_configs", {})]


def decoder_start(config: PretrainedConfig, vocabulary: Vocabulary) -> int:
    """The token that a decoder begins with. A family that names none, such as mBART, begins with the end token, as transformers does."""
    found = getattr(config, "decoder_start_token_id", None)
    return vocabulary.eos if found is None else int(found)


def context_of(config: PretrainedConfig) -> int | None:
    """Number of positions a configuration allows; None for relative positions without a limit."""
    if hasattr(config, "relative_attention_num_buckets"):
        return None
    for part in parts_of(config)[-1:]:  # the decoder comes last
        return context_of(part)
    found = getattr(config, "max_position_embeddings", None)
    return int(found) if found else None
