"""Checks of a fetched folder that need no model: completeness of the weights."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from pipeline.errors import BadInput
from pipeline.families.base_facts import parse_object

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


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
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error}", "a JSON object", "fetch the model again") from error
    return parse_object(path.name, data)
