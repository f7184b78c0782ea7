"""Which weights are trained: all, the head, the last layers, a pattern, or low-rank adapters (LoRA).

A frozen weight takes no gradient, so it is in no optimizer, decays never and is in no checkpoint.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from transformers.pytorch_utils import Conv1D

from pipeline.errors import BadInput
from pipeline.models.text_model import HEAD

if TYPE_CHECKING:
    from pipeline.models.text_model import TextModel
    from pipeline.recipe.training import Finetuning, Lora

LAYER = re.compile(r"\.(\d+)\.")
"""The number of a layer in the name of a weight: the first number between two dots."""


def choose_trainable(model: TextModel, params: Finetuning) -> None:
    """Freeze what is not trained, and add adapters if the recipe asks for them.

    Raises:
        BadInput: nothing would be trained, or the adapters' targets do not exist.
    """
    if params.lora is not None:
        _add_adapters(model, params.lora, params.seed)
    elif params.trained != "all":
        _freeze(model, params.trained)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise BadInput(f"finetuning.trained {params.trained!r} trains no weight", "", "name weights that the model has")


def merge_adapters(model: TextModel) -> None:
    """Add the adapters to the weights they adapt; the model is then an ordinary one again."""
    from peft.tuners.lora import LoraLayer

    for name, module in [(name, module) for name, module in model.core.named_modules() if isinstance(module, LoraLayer)]:
        module.merge()
        parent, _, leaf = name.rpartition(".")
        setattr(model.core.get_submodule(parent), leaf, module.get_base_layer())


def _add_adapters(model: TextModel, lora: Lora, seed: int) -> None:
    """Put adapters beside the weights (Hu et al. 2022, LoRA); a new head of the model stays trained."""
    from peft import LoraConfig, inject_adapter_in_model

    new_head = [name for name, _ in model.core.named_parameters() if _is_head(model, name)]
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha or 2 * lora.rank,
        target_modules=targets,
        lora_dropout=lora.dropout,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.core.modules()),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            inject_adapter_in_model(config, model.core)
        except ValueError as error:
            raise BadInput(f"finetuning.lora.targets {lora.targets!r}: {error}", "", "name layers of the model, or all-linear") from error
    weights = dict(model.core.named_parameters())
    for name in new_head:
        if name in weights:
            weights[name].requires_grad_(True)


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
