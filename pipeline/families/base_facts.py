"""What the configuration of given weights says before they are loaded: family, kind, number of positions. Light, for planning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.families.families import families, find_family
from pipeline.lookup import added_entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.families.kinds import Kind

OWN = "trainshed.families"
"""Entry-point group of families that installed packages add; only their class knows their kind."""

POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len")
"""Names that families have for the number of positions."""

RELATIVE = "relative_attention_num_buckets"
"""A field of families without a limit, such as T5."""


@dataclass(frozen=True)
class BaseFacts:
    """What is known of a base without loading it."""

    family: str
    kind: Kind

    positions: int | None = None
    """Longest sequence that it has positions for, in tokens; None if there is no limit, or none is known."""

    classes: tuple[str, ...] = ()
    """Names of its classes, by their ids; empty if it names none."""


def check_config(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> None:
    """Refuse a configuration that asks for custom code, quantised weights or an unknown family.

    Args:
        config: ``config.json``.
        tokenizer: ``tokenizer_config.json``; empty where there is none.

    Raises:
        BadInput: it does.
    """
    for name, values in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        if values.get("auto_map"):
            raise BadInput(f"{name} has auto_map: the model needs code of its own", "a family of transformers", "choose another base")
    if config.get("quantization_config"):
        raise BadInput(
            "config.json has quantization_config: quantised weights cannot be trained", "", "choose weights that are not quantised"
        )
    family = str(config.get("model_type"))
    if family not in added_entries(OWN, families()):
        find_family(family, "model_type in config.json:")


def facts_of(config: Mapping[str, Any]) -> BaseFacts | None:
    """What ``config.json`` says; None for a family of an installed package."""
    name = str(config.get("model_type"))
    family = families().get(name)
    if family is None:
        return None
    limited = POSITIONS[0] in family.fields and RELATIVE not in family.fields
    found = next((config[field] for field in POSITIONS if isinstance(config.get(field), int)), None)
    return BaseFacts(name, family.kind, found or None if limited else None, _classes(config))


def _classes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of ``id2label``; whatever cannot be read as such names no classes."""
    named = config.get("id2label")
    if not isinstance(named, dict) or not all(str(number).isdecimal() for number in named):
        return ()
    return tuple(str(named[number]) for number in sorted(named, key=int))


def parse_object(name: str, data: bytes) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        name: of the file, for messages.
        data: its bytes.

    Raises:
        BadInput: it is no JSON, or holds something else.
    """
    try:
        found = json.loads(data)
    except ValueError as error:
        raise BadInput(f"{name} cannot be read: {error}", "a JSON object", "fetch the model again") from error
    if not isinstance(found, dict):
        raise BadInput(f"{name} holds a {type(found).__name__}", "a JSON object", "fetch the model again")
    return found
