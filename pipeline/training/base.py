"""What the loop is handed: a feed of batches, and an optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import Tensor

    from pipeline.models.base import Batch
    from pipeline.models.shape import Shape
    from pipeline.recipe.training import Training
    from pipeline.training.tokens import TokenFolder


class Feed(Protocol):
    """Batches of one objective or task; both methods are pure functions of what the feed was built from.

    Implementations are built as ``Feed(tokens, shape, params)`` and raise `BadInput` when the family, the params and the
    tokens do not go together.
    """

    def __init__(self, tokens: TokenFolder, shape: Shape, params: Training) -> None:
        """Check that everything goes together."""

    def batch(self, step: int) -> Batch:
        """The batch of optimizer step ``step``, counted from 0."""

    def validation(self) -> Sequence[Batch]:
        """Batches of the validation split, always the same."""


class Optimizer(Protocol):
    """Moves the weights. Its state is tensors only, so that a checkpoint needs no pickle."""

    def __init__(self, weights: Mapping[str, Tensor], matrices: frozenset[str], params: Training, compute: torch.dtype) -> None:
        """Begin a run.

        Args:
            weights: the fp32 weights to move, by name.
            matrices: which of them are hidden matrices.
            params: learning rates and weight decay.
            compute: what the model computes in; arithmetic that bears it may be done in it too.
        """

    def step(self, gradients: Mapping[str, Tensor], factor: float, step: int) -> None:
        """Move the weights in place.

        Args:
            gradients: fp32 gradient of each weight, by name.
            factor: what the schedule multiplies the peak learning rates by.
            step: number of this step, counted from 1.
        """

    def state(self) -> dict[str, Tensor]:
        """The live state, by name; writing into these tensors restores a checkpoint."""
