"""Building a model of any family; its weights depend on the seed alone. Also: which kind of batch a family is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.models import FAMILIES

if TYPE_CHECKING:
    from pipeline.models.base import PackedBatch, PairBatch, TextModel
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
    family = FAMILIES.load(shape.family)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: TextModel = family(shape, vocabulary, specials, dropout)
    return model.train()


def batch_type_of(family: str) -> type[PairBatch] | type[PackedBatch]:
    """The kind of batch that a family is trained on: pairs for an encoder-decoder, packed rows for a decoder.

    Raises:
        BadInput: unknown family.
    """
    model: type[TextModel] = FAMILIES.load(family)
    return model.batch_type
