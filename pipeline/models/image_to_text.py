"""The family `vision-encoder-decoder` of transformers: a vision transformer reads an image, and a decoder writes a text.

A new model is a ViT (Dosovitskiy et al. 2021, arXiv 2010.11929) with a GPT-2 that attends to its states; the recipe's ``model.config`` has a
section for each. Given weights may have any encoder and decoder. A saved folder is an ordinary one, which transformers opens alone.

Legend beyond `pipeline.models.batch`: H, W pixels of a side, C colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from transformers import GPT2Config, PretrainedConfig, PreTrainedModel, VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig

from pipeline.families.kinds import Head, Kind
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.collate import written_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.models.collate import Ids
    from pipeline.models.text_model import TextModel

PARTS: Mapping[str, type[PretrainedConfig]] = {"encoder": ViTConfig, "decoder": GPT2Config}
"""The sections of ``model.config``."""

OURS = frozenset({"image_size", "num_channels", "vocab_size", "n_positions", "bos_token_id", "eos_token_id", "pad_token_id"})
"""Fields of the parts that the task and the tokenizer decide."""


class ImageToText:
    """What this project needs to know of the family."""

    kind = Kind.IMAGE_TO_TEXT
    config_class = VisionEncoderDecoderConfig
    classes: ClassVar[Mapping[Head, type[PreTrainedModel]]] = {Head.IMAGE_TO_TEXT: VisionEncoderDecoderModel}
    fields: ClassVar[Sequence[str]] = [
        f"{part}.{name}" for part, made in PARTS.items() for name in sorted({*made().to_dict(), *made.attribute_map} - OURS)
    ]
    """What ``model.config`` may say, as dotted names."""

    @staticmethod
    def new_config(
        *,
        vocab_size: int,
        pad_token_id: int,
        eos_token_id: int,
        bos_token_id: int | None,
        decoder_start_token_id: int,
        max_position_embeddings: int,
        encoder: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
    ) -> PretrainedConfig:
        """The configuration of a new model: the tokenizer's part and the recipe's."""
        special = {"pad_token_id": pad_token_id, "eos_token_id": eos_token_id, "bos_token_id": bos_token_id}
        written = GPT2Config(
            **{"vocab_size": vocab_size, "n_positions": max_position_embeddings, **special, **(decoder or {})},
            is_decoder=True,
            add_cross_attention=True,
        )
        return VisionEncoderDecoderConfig.from_encoder_decoder_configs(
            ViTConfig(**(encoder or {})), written, decoder_start_token_id=decoder_start_token_id, **special
        )


def pixel_values(images: Sequence[NDArray[np.uint8]], side: int) -> torch.Tensor:
    """Images as a ViT reads them, from -1 to 1: shape [B, C, H, W].

    Args:
        images: RGB of each, row by row.
        side: pixels of each side.
    """
    pixels_BHWC = torch.from_numpy(np.stack(images)).view(len(images), side, side, 3)
    return pixels_BHWC.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def collate_captions(model: TextModel, images: Sequence[NDArray[np.uint8]], captions: Sequence[Ids], vocabulary: Vocabulary) -> Batch:
    """A batch of images, whose labels are the tokens of their captions, row by row.

    Args:
        model: says where a decoder begins, and how large images are.
        images: RGB of each, row by row.
        captions: token ids of each, the end token included.
        vocabulary: of the tokenizer.
    """
    written, labels = written_answers(model, captions, vocabulary)
    pixels = pixel_values(images, model.core.config.encoder.image_size)
    mask = (labels != IGNORED).long()
    return Batch({"pixel_values": pixels, "decoder_input_ids": written, "decoder_attention_mask": mask}, labels)
