"""A model as a folder: five files, none of which can run code.

================= =============================================================================================
model.safetensors weights in fp32, under transformers' own names; a copy head's names begin with ``copy_head.``
config.json       transformers' configuration, for readers that know the family
tokenizer.json    the tokenizer, in the format of HF ``tokenizers``
model.json        family, shape, special tokens, task, lengths: `shape.ModelInfo`
history.json      the training curve, one row per validation
================= =============================================================================================

Equal weights give equal bytes: names are sorted, and no file records time or place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from pipeline.errors import BadInput
from pipeline.models.build import build_model
from pipeline.models.finite import find_non_finite
from pipeline.models.shape import ModelInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from pipeline.models.base import TextModel

WEIGHTS, CONFIG, TOKENIZER, INFO, HISTORY = "model.safetensors", "config.json", "tokenizer.json", "model.json", "history.json"


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode, on its device, with its tokenizer."""

    model: TextModel
    tokenizer: Tokenizer
    info: ModelInfo


def named_weights(model: TextModel) -> dict[str, Tensor]:
    """The trained tensors by their name on disk, sorted by name; tied ones once."""
    prefix = next(name for name, module in model.named_children() if module is model.core) + "."
    return {name.removeprefix(prefix): weight for name, weight in sorted(model.named_parameters())}


def save_model(
    model: TextModel,
    folder: Path,
    info: ModelInfo,
    *,
    tokenizer: Path,
    weights: Mapping[str, Tensor] | None = None,
    history: Sequence[Mapping[str, float]] = (),
) -> None:
    """Write the model folder.

    Args:
        model: the model; its weights are written unless ``weights`` are given.
        folder: where to write; created if missing.
        info: what the model is.
        tokenizer: the ``tokenizer.json`` to put beside it.
        weights: tensors by their name in `named_weights`, e.g. fp32 masters of a model held in bf16.
        history: rows of the training curve.

    Raises:
        BadInput: a weight is NaN or infinite; nothing is written.
    """
    chosen = named_weights(model) if weights is None else weights
    broken = find_non_finite(chosen)
    if broken is not None:
        raise BadInput(f"weight {broken} holds NaN or infinity", "", "train the model again with a lower learning rate")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: weight.detach().to("cpu", torch.float32).contiguous() for name, weight in sorted(chosen.items())}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    config = {key: value for key, value in model.core.config.to_dict().items() if key != "dtype"}  # type: ignore[union-attr, operator]
    (folder / CONFIG).write_text(_json(config))
    (folder / INFO).write_text(_json(info.to_json()))
    (folder / HISTORY).write_text(_json(list(map(dict, history))))
    (folder / TOKENIZER).write_bytes(tokenizer.read_bytes())


def load_model(folder: Path, device: str = "cpu") -> Loaded:
    """Read a model folder.

    Args:
        folder: what `save_model` wrote.
        device: where the weights go.

    Raises:
        BadInput: a file is missing, damaged, or does not fit the others.
    """
    info = read_info(folder)
    model = build_model(info.shape, info.vocabulary, info.specials, dropout=0.0, seed=info.seed)
    load_weights(model, folder)
    tokenizer = Tokenizer.from_file(str(_require_file(folder / TOKENIZER)))
    return Loaded(model.to(device).eval(), tokenizer, info)


def load_weights(model: TextModel, folder: Path) -> None:
    """Copy the weights of a model folder into ``model``.

    Raises:
        BadInput: they cannot be read, or belong to a model of another shape.
    """
    path = _require_file(folder / WEIGHTS)
    try:
        found = load_file(path)
    except SafetensorError as error:
        raise BadInput(f"{path.name} cannot be read: {error}", "a safetensors file", "fetch or train the model again") from error
    wanted = named_weights(model)
    for name in sorted({*found, *wanted}):
        got, needed = (tuple(some[name].shape) if name in some else "nothing" for some in (found, wanted))
        if got != needed:
            raise BadInput(f"weight {name} of shape {got}", f"{needed}", "use the shape the weights were trained with")
    with torch.no_grad():
        for name, weight in wanted.items():
            weight.copy_(found[name])


def read_info(folder: Path) -> ModelInfo:
    """Read `model.json`.

    Raises:
        BadInput: it is missing or cannot be read.
    """
    try:
        data: dict[str, Any] = json.loads(_require_file(folder / INFO).read_text())
    except ValueError as error:
        raise BadInput(f"{INFO} is not JSON: {error}", "a model folder", "fetch or train the model again") from error
    return ModelInfo.from_json(data)


def read_history(folder: Path) -> list[dict[str, float]]:
    """Read the training curve."""
    rows: list[dict[str, float]] = json.loads(_require_file(folder / HISTORY).read_text())
    return rows


def _require_file(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"no {path.name} in {path.parent}", "a model folder", "check the folder")
    return path


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
