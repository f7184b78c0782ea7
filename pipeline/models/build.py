"""Building a model of any family; its weights depend on the seed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.lookup import load
from pipeline.models import FAMILIES

if TYPE_CHECKING:
    from pipeline.models.base import TextModel
    from pipeline.models.shape import Shape, Specials


def build_model(shape: Shape, vocabulary: int, specials: Specials, dropout: float, seed: int) -> TextModel:
    """Build a model with random weights, in fp32 on the CPU, in training mode.

    The same arguments give the same weights wherever this is called; the global random state stays as it was.

    Args:
        shape: architecture and size.
        vocabulary: number of token ids.
        specials: ids of the special tokens.
        dropout: probability, applied wherever the family has dropout.
        seed: decides the weights.

    Raises:
        BadInput: unknown family.
    """
    family = load("model family", FAMILIES, shape.family)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: TextModel = family(shape, vocabulary, specials, dropout)
    return model.train()
