"""Low-rank adapters of a model (Hu et al. 2022, LoRA) as files: an ordinary peft adapter beside the base that it adapts.

================================ ===============================================================================
adapter_config.json              peft's configuration; rank, scale, the adapted layers
adapter_model.safetensors        the adapters
base/                            configuration and weights of the base: byte for byte, where their names fit
model-trained.safetensors        other weights that were trained, or that the base lacks: a classifier's head
config.json                      transformers' configuration of the whole model
model.safetensors.index.json     where each weight is: in ``base/`` or in ``model-trained.safetensors``
================================ ===============================================================================

transformers opens the folder as a sharded model with an embedded adapter; peft opens it as an adapter of ``base/``. The base's bytes do
not change from one training to the next, so a store that knows files by their digest keeps them once.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pipeline.errors import BadInput
from pipeline.families.kinds import Head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from peft import LoraConfig
    from torch import Tensor
    from transformers import PreTrainedModel

CONFIG, WEIGHTS, BASE, TRAINED = "adapter_config.json", "adapter_model.safetensors", "base", "model-trained.safetensors"
INDEX = "model.safetensors.index.json"
PREFIX = "base_model.model."
"""What peft puts before the name of each adapted weight."""

NAME = "default"
"""peft's name of the only adapter of a model."""

MARK = "lora_"
"""How the names of an adapter's own weights begin, below the layer that it adapts."""

TASK_TYPES = {Head.CAUSAL_LM: "CAUSAL_LM", Head.SEQ2SEQ_LM: "SEQ_2_SEQ_LM"}
"""Which of peft's classes opens the adapter; for the other heads its plain one."""


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter with its base."""
    return (folder / CONFIG).is_file()


def adapter_of(core: PreTrainedModel) -> LoraConfig | None:
    """Configuration of the adapter inside a model; None for an ordinary model."""
    found: dict[str, LoraConfig] = getattr(core, "peft_config", None) or {}
    return found.get(NAME)


def merge_adapter(core: PreTrainedModel) -> None:
    """Add the adapter to the weights it adapts; the model is then an ordinary one again."""
    if adapter_of(core) is None:
        return
    from peft.tuners.lora import LoraLayer

    for name, module in [(name, module) for name, module in core.named_modules() if isinstance(module, LoraLayer)]:
        module.merge()
        parent, _, leaf = name.rpartition(".")
        setattr(core.get_submodule(parent), leaf, module.get_base_layer())
    del core.peft_config


def save_adapter(core: PreTrainedModel, folder: Path, head: Head, base: Path | None) -> None:
    """Write a model with an adapter; equal weights give equal bytes.

    Args:
        core: the model, in fp32.
        folder: an existing folder.
        head: what is on top of the model.
        base: folder whose files hold the frozen weights; None if none does, because they are random or were changed.
    """
    config = adapter_of(core)
    assert config is not None  # the caller asks for a model with an adapter
    weights = {name: weight for name, weight in core.named_parameters() if MARK in name}
    _save(folder / WEIGHTS, {f"{PREFIX}{name.replace(f'.{NAME}', '')}": weight for name, weight in weights.items()})
    told = config.to_dict() | {"base_model_name_or_path": BASE, "inference_mode": True, "task_type": TASK_TYPES.get(head)}
    (folder / CONFIG).write_text(json.dumps(told, indent=2, sort_keys=True, default=_plain) + "\n", encoding="utf-8")
    source = base / BASE if base and is_adapter(base) else base
    trained = _trained_names(core, base)
    _write_base(core, folder / BASE, source, trained)
    _write_whole(core, folder, trained)


def load_adapter(core: PreTrainedModel, folder: Path) -> None:
    """Put the adapter of a folder into a model that was loaded from its base; what is trained stays as it was.

    Args:
        core: the model. Its layers may have a prefix that they lack in the folder, or the other way round, if it has another head.
        folder: what `save_adapter` wrote.

    Raises:
        BadInput: the adapter does not fit the model.
    """
    from peft import LoraConfig, inject_adapter_in_model

    saved = {name.removeprefix(PREFIX): weight for name, weight in load_file(folder / WEIGHTS).items()}
    modules, prefix = {name for name, _ in core.named_modules()}, f"{core.base_model_prefix}."
    layers = {}
    for layer in {name.partition(f".{MARK}")[0] for name in saved}:
        found = next((name for name in (layer, prefix + layer, layer.removeprefix(prefix)) if name in modules), None)
        if found is None:
            raise BadInput(f"{WEIGHTS} adapts {layer}, which the model lacks", "an adapter of this model", "train the model again")
        layers[layer] = found
    config = LoraConfig.from_pretrained(str(folder))
    config.target_modules, config.inference_mode = set(layers.values()), False
    trained = {id(weight) for weight in core.parameters() if weight.requires_grad}
    inject_adapter_in_model(config, core)
    for name, weight in core.named_parameters():
        weight.requires_grad_(id(weight) in trained or MARK in name)
    own = dict(core.named_parameters())
    with torch.no_grad():
        for name, weight in saved.items():
            layer, _, rest = name.partition(f".{MARK}")
            part, dot, last = rest.partition(".")
            own[f"{layers[layer]}.{MARK}{part}.{NAME}{dot}{last}"].copy_(weight)


def _trained_names(core: PreTrainedModel, base: Path | None) -> set[str]:
    """Weights beside the adapter that are not those of the base: what was trained, now or before."""
    earlier = _names(base / TRAINED) if base and (base / TRAINED).is_file() else set()
    return {name for name, weight in _own_parameters(core).items() if weight.requires_grad or name in earlier}


def _write_base(core: PreTrainedModel, folder: Path, source: Path | None, trained: set[str]) -> None:
    """Copy the base's files if they hold every weight under the name it has in this model; else write the weights from memory."""
    folder.mkdir()
    files = sorted(source.glob("*.safetensors")) if source else []
    if source and set(_own_parameters(core)) - trained <= _names(*files):
        for file in (source / "config.json", *files, source / INDEX):
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
        return
    state = {_own_name(name): weight for name, weight in core.state_dict().items() if MARK not in name}
    core.save_pretrained(folder, state_dict={name: weight for name, weight in state.items() if name not in trained})


def _write_whole(core: PreTrainedModel, folder: Path, trained: set[str]) -> None:
    """Write the configuration of the whole model, its trained weights, and the index that names the files of all weights."""
    core.config.architectures, core.config.dtype = [type(core).__name__], core.dtype
    core.config.save_pretrained(folder)
    if core.can_generate():
        core.generation_config.save_pretrained(folder)
    places = {name: f"{BASE}/{file.name}" for file in sorted((folder / BASE).glob("*.safetensors")) for name in _names(file)}
    if trained:
        _save(folder / TRAINED, {name: weight for name, weight in _own_parameters(core).items() if name in trained})
    index = {"metadata": {}, "weight_map": places | dict.fromkeys(trained, TRAINED)}
    (folder / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _own_parameters(core: PreTrainedModel) -> dict[str, Tensor]:
    """The weights without the adapter, by the names they have without it; tied ones once."""
    return {_own_name(name): weight for name, weight in core.named_parameters() if MARK not in name}


def _own_name(name: str) -> str:
    return name.replace(".base_layer.", ".")


def _names(*files: Path) -> set[str]:
    """Names of the weights in safetensors files."""
    found: set[str] = set()
    for path in files:
        with safe_open(path, framework="numpy") as file:
            found |= set(file.keys())
    return found


def _save(path: Path, weights: Mapping[str, Tensor]) -> None:
    save_file({name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}, path, {"format": "pt"})


def _plain(value: object) -> object:
    """A set or an enumeration of peft's configuration as JSON."""
    return sorted(value) if isinstance(value, set) else str(value)
