"""Write `families.json`: the text families of the installed transformers, and ours. ``python -m pipeline.models.list_families``."""

from __future__ import annotations

import json
import logging

from transformers import CONFIG_MAPPING, PretrainedConfig
from transformers.models.auto import modeling_auto

from pipeline.families.families import FILE
from pipeline.families.kinds import Kind
from pipeline.models import FAMILIES
from pipeline.models.build import kind_of_class

SKIPPED = frozenset({"transformers_version", "_name_or_path", "model_type", "dtype", "architectures"})
"""Fields that say how a file was written, not what the model is."""


def list_families() -> dict[str, dict[str, str]]:
    """Kind and configuration fields of every family that handles text, by ``model_type``."""
    found = {}
    kinds = (
        (Kind.ENCODER_DECODER, modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES),
        (Kind.ENCODER, modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES),
        (Kind.DECODER, modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
    )
    for kind, names in kinds:
        for family in names:
            config = _config(family)
            if family not in found and config is not None:
                found[family] = {"kind": kind.value, "fields": " ".join(_fields(config))}
    for family in FAMILIES:
        model_class = FAMILIES.load(family)
        fields = getattr(model_class, "fields", None) or _fields(model_class.config_class())
        found[family] = {"kind": kind_of_class(model_class).value, "fields": " ".join(fields)}
    return dict(sorted(found.items()))


def _config(family: str) -> PretrainedConfig | None:
    """The default configuration of a family; None if it needs parts of its own, as models of several modalities do."""
    try:
        config = CONFIG_MAPPING[family]()
    except Exception:  # noqa: BLE001 - whatever a family's own code raises without arguments
        return None
    return None if getattr(config, "sub_configs", None) else config


def _fields(config: PretrainedConfig) -> list[str]:
    return sorted({*config.to_dict(), *config.attribute_map} - SKIPPED)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    FILE.write_text(json.dumps(list_families(), indent=1) + "\n", encoding="utf-8")
