"""Captions of images: written with transformers' `generate()`, and how probable a model finds given ones; in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pipeline.models.architecture import decoder_start
from pipeline.models.generate import generate_with
from pipeline.models.image_to_text import collate_captions, pixel_values
from pipeline.models.losses import token_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.models.files import Loaded


@torch.inference_mode()
def write_captions(
    loaded: Loaded,
    images: Sequence[NDArray[np.uint8]],
    longest: int,
    settings: Mapping[str, Any],
    batch: int,
    on_token: Callable[[], object],
) -> list[list[int]]:
    """Write a caption for each image.

    Args:
        loaded: the model.
        images: RGB of each, row by row.
        longest: longest caption, in tokens.
        settings: arguments of transformers' ``GenerationConfig``.
        batch: images answered at once; changes speed and memory, not captions beyond rounding.
        on_token: called after each token of a batch.

    Returns:
        The ids of each caption, without special tokens.
    """
    config, written = loaded.model.core.config, list[list[int]]()
    for start in range(0, len(images), batch):
        pixels_BCHW = pixel_values(images[start : start + batch], config.encoder.image_size)
        begins = torch.full((len(pixels_BCHW), 1), decoder_start(config, loaded.info.vocabulary))
        inputs = {"pixel_values": pixels_BCHW.to(loaded.model.core.dtype), "decoder_input_ids": begins}
        written += generate_with(loaded, inputs, 1, longest, settings, on_token)
    return written


@torch.inference_mode()
def caption_likelihoods(
    loaded: Loaded,
    images: Sequence[NDArray[np.uint8]],
    captions: Sequence[Sequence[int]],
    batch: int,
    on_batch: Callable[[], object],
) -> list[float]:
    """Negative log-likelihood of each caption given its image, in nats, summed over the caption's tokens.

    Args:
        loaded: the model.
        images: RGB of each, row by row.
        captions: token ids of each, the end token included.
        batch: examples computed at once; those of similar length go together.
        on_batch: called after each batch.
    """
    order = sorted(range(len(captions)), key=lambda index: (len(captions[index]), index))
    found = [0.0] * len(captions)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        wanted = [captions[index] for index in chosen]
        rows = collate_captions(loaded.model, [images[index] for index in chosen], wanted, loaded.info.vocabulary)
        each_N = token_losses(loaded.model, rows.to(loaded.device))
        ends = np.cumsum([len(caption) for caption in wanted])[:-1]
        for index, part in zip(chosen, np.split(each_N.double().cpu().numpy(), ends), strict=True):
            found[index] = float(part.sum())
        on_batch()
    return found
