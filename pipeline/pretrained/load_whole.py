"""Load a folder with its language head, and refuse one whose weights do not fill the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from pipeline.errors import BadInput
from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.build import HeadSpec, class_of, kind_of, read_config

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedModel

FIX = "fetch or save the model again"


def load_whole(folder: Path) -> PreTrainedModel:
    """The model of an ordinary folder, with the head that predicts tokens, in fp32 on the CPU.

    An encoder may lack that head: sentence encoders are saved without it.

    Raises:
        BadInput: the weights cannot be read, or some are missing.
    """
    return load_with_head(folder, read_config(folder), use_safetensors=True)


def load_with_head(folder: Path, config: PretrainedConfig, **options: Any) -> PreTrainedModel:  # noqa: ANN401 - of from_pretrained
    """Load weights for a configuration; `load_whole` says what is refused.

    Args:
        folder: where the weights are.
        config: of the model.
        options: more arguments of transformers' ``from_pretrained``, e.g. ``gguf_file``.
    """
    kind = kind_of(config)
    chosen = class_of(config, HeadSpec(LANGUAGE_HEAD[kind]))
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model, found = chosen.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                attn_implementation="eager",
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
    except (SafetensorError, RuntimeError, OSError, KeyError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise BadInput(f"the weights of {config.model_type} cannot be loaded: {said}", "", FIX) from error
    missing = sorted(found["missing_keys"])
    if not kind.writes:
        missing = [name for name in missing if name.startswith(f"{model.base_model_prefix}.")]
    if missing:
        raise BadInput(f"{len(missing)} weights of {config.model_type} are missing, e.g. {missing[0]}", "", FIX)
    whole: PreTrainedModel = model.eval()
    return whole


def rows_of(model: PreTrainedModel) -> int:
    """Number of token ids that have an embedding."""
    return int(model.get_input_embeddings().weight.shape[0])
