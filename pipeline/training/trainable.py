"""Which weights are trained: all, the head, the last layers, a pattern, or low-rank adapters (LoRA).

A frozen weight takes no gradient, so it is in no optimizer, decays never and is in no checkpoint.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch.nn import Linear
from transformers.pytorch_utils import Conv1D

from pipeline.errors import BadInput
from pipeline.models.adapters import MARK, adapter_of, merge_adapter
from pipeline.models.text_model import HEAD

if TYPE_CHECKING:
    from pipeline.models.text_model import TextModel
    from pipeline.recipe.training import Finetuning, Lora

LAYER = re.compile(r"\.(\d+)\.")
"""The number of a layer in the name of a weight: the first number between two dots."""


def choose_trainable(model: TextModel, params: Finetuning) -> None:
    """Freeze what is not trained, and add adapters if the recipe asks for them. An adapter of the base is merged, unless it is trained on.

    Raises:
        BadInput: nothing would be trained, or the adapters' targets do not exist.
    """
    if params.lora is None or not _same_adapter(model, params.lora):
        merge_adapter(model.core)
    if params.lora is not None:
        if adapter_of(model.core) is None:
            _add_adapters(model, params.lora, params.seed)
        for name, weight in model.core.named_parameters():
            weight.requires_grad_(MARK in name or _is_head(model, name))
    elif params.trained != "all":
        _freeze(model, params.trained)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise BadInput(f"finetuning.trained {params.trained!r} trains no weight", "", "name weights that the model has")


def _add_adapters(model: TextModel, lora: Lora, seed: int) -> None:
    """Put adapters beside the weights (Hu et al. 2022, LoRA); a head of the model is trained itself."""
    from peft import LoraConfig, inject_adapter_in_model

    layers = _target_layers(model, lora.targets)
    if not layers:
        raise BadInput(f"finetuning.lora.targets {lora.targets!r} names no layer", "", "name layers of the model, or all-linear")
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=_alpha(lora),
        target_modules=layers,
        lora_dropout=lora.dropout,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.core.modules()),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            inject_adapter_in_model(config, model.core)
        except ValueError as error:
            raise BadInput(f"finetuning.lora.targets {lora.targets!r}: {error}", "", "name layers of the model, or all-linear") from error


def _same_adapter(model: TextModel, lora: Lora) -> bool:
    """Whether the model has an adapter already, and the recipe asks for one of the same shape that is kept as one: it is trained on."""
    config = adapter_of(model.core)
    if config is None or lora.keep is None:
        return False
    shape = (config.r, float(config.lora_alpha), config.lora_dropout)
    return shape == (lora.rank, float(_alpha(lora)), lora.dropout) and config.target_modules == set(_target_layers(model, lora.targets))


def _alpha(lora: Lora) -> float:
    return lora.alpha or 2 * lora.rank


def _target_layers(model: TextModel, targets: str | tuple[str, ...]) -> list[str]:
    """Names of the layers to adapt, by their whole names. ``all-linear`` takes neither the output layer nor a head, which is trained itself."""
    from peft.tuners.lora import LoraLayer

    heads = {name.rpartition(".")[0] for name, _ in model.core.named_parameters() if _is_head(model, name)}
    output, found = model.core.get_output_embeddings(), []
    for name, module in model.core.named_modules():
        if MARK in name or ".base_layer" in name or name in heads:
            continue
        if targets == "all-linear":
            layer = module.get_base_layer() if isinstance(module, LoraLayer) else module
            chosen = isinstance(layer, Linear | Conv1D) and layer is not output
        elif isinstance(targets, str):
            chosen = re.fullmatch(targets, name) is not None
        else:
            chosen = any(name == target or name.endswith(f".{target}") for target in targets)
        found += [name] if chosen else []
    return found


def _freeze(model: TextModel, trained: str) -> None:
    weights = model.named_weights()
    layers = [int(found[1]) for name in weights if (found := LAYER.search(name))]
    last = int(trained.removeprefix("last:")) if trained.startswith("last:") else 0
    for name, weight in weights.items():
        found = LAYER.search(name)
        in_last = bool(last and found and int(found[1]) > max(layers) - last)
        by_pattern = bool(re.search(trained.removeprefix("pattern:"), name)) if trained.startswith("pattern:") else False
        weight.requires_grad_(in_last or by_pattern or (not trained.startswith("pattern:") and _is_head(model, name)))


def _is_head(model: TextModel, name: str) -> bool:
    """Whether a weight belongs to a classifier on top of the model's body."""
    if model.head is not None:
        return name.startswith(HEAD)
    body = model.core.base_model_prefix
    return hasattr(model.core, body) and model.core.get_output_embeddings() is None and not name.startswith(f"{body}.")
