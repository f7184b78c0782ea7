"""Building models: from a configuration, with weights that depend on the seed alone; or from given weights, with a new head.

The global random state stays as it was.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pipeline.errors import BadInput
from pipeline.families.families import families, find_family
from pipeline.families.kinds import Head, Kind
from pipeline.models import FAMILIES
from pipeline.models.adapters import BASE, is_adapter, load_adapter
from pipeline.models.architecture import make_config, set_dropout
from pipeline.models.image_size import check_image_size, set_image_size
from pipeline.models.pooling import pools_itself, set_pooling
from pipeline.models.text_model import TextModel

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedModel

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.models.architecture import Architecture

KERNEL = "eager"
"""The attention kernel a model is built with; training chooses another where it pays."""


@dataclass(frozen=True)
class HeadSpec:
    """Which head a model gets."""

    head: Head

    labels: tuple[str, ...] = ()
    """Names of the classes, in the order of their ids; empty for heads that predict tokens."""

    problem: str | None = None
    """transformers' ``problem_type`` of sequence classification."""

    image_size: int | None = None
    """Pixels of each side of the images that the model reads; None for texts."""

    mean_pooling: bool = False
    """Classify from the mean of all states: by the family's own classifier where it can, else with a head of ours on the bare core."""

    def apply(self, config: PretrainedConfig) -> None:
        """Write the classes, and what they are read from, into a configuration.

        Raises:
            BadInput: the patches of a new model do not fit its images.
        """
        if self.image_size is not None:
            set_image_size(config, self.image_size)
        if self.head is Head.SEQUENCE_CLASSIFICATION:
            set_pooling(config, mean=self.mean_pooling)
        if self.labels:
            config.id2label = dict(enumerate(self.labels))
            config.label2id = {name: number for number, name in enumerate(self.labels)}
            config.problem_type = self.problem

    def has_own_head(self, config: PretrainedConfig) -> bool:
        """Whether a model of this configuration gets a head of ours."""
        return self.mean_pooling and not pools_itself(config)


def new_model(architecture: Architecture, vocabulary: Vocabulary, spec: HeadSpec, dropout: float, seed: int) -> TextModel:
    """Build a model with random weights, in fp32 on the CPU, in training mode.

    Args:
        architecture: family, configuration fields, context.
        vocabulary: of its tokenizer.
        spec: its head.
        dropout: probability, wherever the family has dropout.
        seed: decides the weights.

    Raises:
        BadInput: unknown family or field, or the family has no such head.
    """
    config = make_config(architecture, vocabulary, dropout)
    spec.apply(config)
    model_class = class_of(config, spec)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            # transformers' own name for "from a configuration"; a class of ours is built directly
            make = getattr(model_class, "_from_config", model_class)
            core = make(config, attn_implementation=KERNEL, **_without_pooler(model_class, spec, config))
        except (ValueError, TypeError, AssertionError, RuntimeError, ZeroDivisionError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0][:300]
            raise BadInput(f"model.config of {architecture.family}: {said}", "", "correct model.config") from error
        return TextModel(core, kind_of(config), _mean_head(core, spec, dropout)).train()


def from_weights(folder: Path, spec: HeadSpec, dropout: float, seed: int, dtype: torch.dtype = torch.float32) -> TextModel:
    """Load the weights of a transformers folder; a head that the folder lacks gets random weights by the seed.

    A head for other classes than those of ``spec`` is not kept, even if it has as many.

    Args:
        folder: ``config.json`` and safetensors; an adapter with its base keeps its adapter.
        spec: the head it should have.
        dropout: probability, wherever the family has dropout.
        seed: decides the weights of a new head.
        dtype: of the weights. Whatever transformers keeps in fp32 stays so: rotary frequencies, routers; our own head too.

    Raises:
        BadInput: the folder does not hold a model, or its family has no such head.
    """
    config = read_config(folder)
    if spec.image_size is not None:
        check_image_size(config, spec.image_size)
    other_classes = bool(spec.labels) and not spec.has_own_head(config) and tuple(config.id2label.values()) != spec.labels
    set_dropout(config, dropout)
    spec.apply(config)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model_class = class_of(config, spec)
        core = model_class.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            attn_implementation=KERNEL,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=other_classes,
            **_options(folder),
            **_without_pooler(model_class, spec, config),
        )
        if other_classes:
            _renew_head(core, seed)
        if is_adapter(folder):
            load_adapter(core, folder)
        return TextModel(core, kind_of(config), _mean_head(core, spec, dropout)).train()


def _options(folder: Path) -> dict[str, Any]:
    """What keeps transformers from adding an adapter by itself: it is silent where peft is missing, and where names do not fit.

    Raises:
        BadInput: the folder holds an adapter, and peft is not installed.
    """
    if not is_adapter(folder):
        return {}
    if find_spec("peft") is None:
        raise BadInput(f"{folder.name} holds an adapter, and peft is not installed", "", "install peft")
    return {"adapter_kwargs": {"subfolder": BASE}}  # transformers looks for an adapter there, and finds none


def _renew_head(core: PreTrainedModel, seed: int) -> None:
    """Give every module outside the base model random weights by the seed, as transformers does for a head that is missing."""
    torch.manual_seed(seed)
    inside = set(core.base_model.modules()) | {core}
    for module in core.modules():
        if module not in inside:
            for weight in module.parameters(recurse=False):
                weight._is_hf_initialized = False  # transformers skips weights that it loaded  # noqa: SLF001
            core._init_weights(module)  # noqa: SLF001 - the hook that each family overrides


def read_config(folder: Path) -> PretrainedConfig:
    """The configuration of a transformers folder.

    Raises:
        BadInput: it is missing, broken, or of an unknown family.
    """
    from transformers import AutoConfig

    try:
        family = str(json.loads((folder / "config.json").read_bytes()).get("model_type"))
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput(f"config.json in {folder} cannot be read: {error}", "a transformers folder", "check the folder") from error
    if family in FAMILIES:
        return FAMILIES.load(family).config_class.from_pretrained(folder)
    find_family(family, "model_type in config.json:")
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def kind_of(config: PretrainedConfig) -> Kind:
    """The kind of a model, also of one of an installed package."""
    found = families().get(config.model_type)
    return found.kind if found else kind_of_class(FAMILIES.load(config.model_type))


def kind_of_class(model_class: type[PreTrainedModel]) -> Kind:
    """The kind of a family in `FAMILIES`: its attribute ``kind``; a class without one writes, and its configuration says whether it has an encoder."""
    kind: Kind | None = getattr(model_class, "kind", None)
    return kind or (Kind.ENCODER_DECODER if model_class.config_class().is_encoder_decoder else Kind.DECODER)


def class_of(config: PretrainedConfig, spec: HeadSpec) -> type[PreTrainedModel]:
    """The model class of a configuration with a head.

    Raises:
        BadInput: the family has no such head.
    """
    import transformers

    transformers.utils.logging.disable_progress_bar()  # a bar for each file would fill the logs
    wanted = Head.NONE if spec.has_own_head(config) else spec.head
    if config.model_type in FAMILIES:
        own: type[PreTrainedModel] = FAMILIES.load(config.model_type)
        found = getattr(own, "classes", {wanted: own}).get(wanted)
    else:
        auto = getattr(transformers, wanted.value)
        found = auto._model_mapping.get(type(config), None)  # noqa: SLF001 - the only map from a configuration to its classes
    if found is None:
        raise BadInput(
            f"family {config.model_type} has no {spec.head.value.removeprefix('AutoModelFor')} head", "", "choose another model.family"
        )
    chosen: type[PreTrainedModel] = found[0] if isinstance(found, tuple) else found
    return chosen


def _without_pooler(model_class: type[PreTrainedModel], spec: HeadSpec, config: PretrainedConfig) -> dict[str, bool]:
    """BERT's pooler reads the first state: with mean pooling or without a head nothing would train it."""
    has_choice = "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if (spec.has_own_head(config) or spec.head is Head.NONE) and has_choice else {}


def _mean_head(core: PreTrainedModel, spec: HeadSpec, dropout: float) -> nn.Module | None:
    """A linear layer over the mean of the states; None where transformers' own head is used."""
    if not spec.has_own_head(core.config):
        return None
    width, spread = core.config.hidden_size, getattr(core.config, "initializer_range", 0.02)
    layer = nn.Linear(width, max(1, len(spec.labels)))
    nn.init.normal_(layer.weight, std=spread)
    nn.init.zeros_(layer.bias)
    return nn.Sequential(nn.Dropout(dropout), layer)
