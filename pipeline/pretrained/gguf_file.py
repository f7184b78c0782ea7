"""From one GGUF file, usually quantised, to an ordinary folder in fp32.

GGUF is the file format of llama.cpp. transformers turns its blocks into fp32 weights, and builds the tokenizer from its metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.errors import BadInput
from pipeline.families.families import find_family
from pipeline.pretrained.load_whole import load_whole, load_with_head, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor
    from transformers import PreTrainedModel

PROBE = 16
"""Token ids on which the written folder is compared with what was loaded."""


def convert_gguf(fetched: Path, output: Path) -> None:
    """Write model and tokenizer of a GGUF file, and check that the folder gives the same logits, bit for bit.

    Args:
        fetched: folder of the GGUF file.
        output: empty folder to fill.

    Raises:
        BadInput: the file is cut or damaged, its family is unknown, or the folder gives other logits.
    """
    from transformers import AutoConfig, AutoTokenizer

    file = next(fetched.glob("*.gguf"))
    _check_complete(file)
    try:
        config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    except Exception as error:  # whatever transformers raises for a family or a tokenizer that it cannot convert
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadInput(f"{file.name} cannot be converted: {said}", "", "choose another base, or weights as safetensors") from error
    find_family(config.model_type, f"family of {file.name}:")
    model = load_with_head(file.parent, config, gguf_file=file.name)
    before = _probe(model)
    # transformers keeps what it dequantised as a quantisation that save_pretrained cannot write
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    del model
    if not torch.equal(before, _probe(load_whole(output))):
        raise BadInput(f"{file.name} gives other logits after it was written as a folder", "", "choose weights as safetensors")


@torch.no_grad()
def _probe(model: PreTrainedModel) -> Tensor:
    """The first output of the model for ids spread over the vocabulary."""
    ids = torch.linspace(0, rows_of(model) - 1, PROBE).long()[None]
    given = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    logits: Tensor = model(input_ids=ids, **given).logits
    return logits


def _check_complete(file: Path) -> None:
    """Refuse a file whose metadata cannot be read, or that ends before its last tensor."""
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
        end = max((tensor.data_offset + tensor.n_bytes for tensor in reader.tensors), default=0)
    except Exception as error:  # gguf indexes into the mapped bytes, and raises whatever numpy does for bytes that are not there
        raise BadInput(
            f"{file.name} is cut or damaged: {type(error).__name__}: {error}"[:300], "a complete GGUF file", "fetch it again"
        ) from error
    if end == 0 or end > file.stat().st_size:
        raise BadInput(f"{file.name} is cut: it has {file.stat().st_size} bytes", f"at least {end}", "fetch it again")
