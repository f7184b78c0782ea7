"""Checks of a fetched folder that need no model: configuration, completeness of the weights."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from pipeline.errors import BadInput
from pipeline.families.families import find_family
from pipeline.models import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


def check_config(folder: Path) -> None:
    """Refuse a configuration that asks for custom code, quantised weights or an unknown family.

    Raises:
        BadInput: it does, or it cannot be read.
    """
    config = read_json(folder / "config.json")
    tokenizer = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    for name, values in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        if values.get("auto_map"):
            raise BadInput(f"{name} has auto_map: the model needs code of its own", "a family of transformers", "choose another base")
    if config.get("quantization_config"):
        raise BadInput(
            "config.json has quantization_config: quantised weights cannot be trained", "", "choose weights that are not quantised"
        )
    family = str(config.get("model_type"))
    if family not in FAMILIES:
        find_family(family, "model_type in config.json:")


def weight_files(folder: Path) -> list[str]:
    """Names of the files that hold the weights: one, or an index and its shards. Each is checked for completeness.

    Raises:
        BadInput: one is missing or damaged.
    """
    if (folder / WEIGHTS).is_file():
        names, extra = [WEIGHTS], []
    elif (folder / INDEX).is_file():
        places = read_json(folder / INDEX).get("weight_map")
        names, extra = sorted({str(name) for name in places.values()}) if isinstance(places, dict) else [], [INDEX]
    else:
        names, extra = [], []
    if not names:
        raise BadInput(f"no {WEIGHTS} beside config.json", f"{WEIGHTS}, or shards with {INDEX}", "save the model with save_pretrained")
    for name in names:
        if "/" in name or not (folder / name).is_file():
            raise BadInput(f"shard {name} of {INDEX} is missing", "", "fetch the model again")
        try:
            with safe_open(folder / name, framework="numpy") as file:
                file.keys()
        except (SafetensorError, OSError) as error:
            raise BadInput(f"{name} is cut or damaged: {error}", "a complete safetensors file", "fetch the model again") from error
    return [*names, *extra]


def count_weights(folder: Path) -> int:
    """Number of weights in the files of a folder; tied ones are stored once."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            total += sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - not a mapping
    return total


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        BadInput: it is missing, no JSON, or holds something else.
    """
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read: {error}", "a JSON object", "fetch the model again") from error
    if not isinstance(data, dict):
        raise BadInput(f"{path.name} holds a {type(data).__name__}", "a JSON object", "fetch the model again")
    return data
