"""The protocols the loop is written against: a feed of batches, and an optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import Tensor

    from pipeline.models.base import Batch
    from pipeline.models.shape import Shape
    from pipeline.recipe.training import Training
    from pipeline.training.token_folder import TokenFolder


class Feed(Protocol):
    """Batches of one objective or task; both methods are pure functions of what the feed was built from.

    Implementations are built as ``Feed(tokens, shape, params)`` and raise `BadInput` when family, params and tokens do not fit
    together.
    """

    def __init__(self, tokens: TokenFolder, shape: Shape, params: Training) -> None:
        """Check that family, params and tokens fit together."""

    def batch(self, step: int) -> Batch:
        """The batch of optimizer step ``step``, counted from 0."""

    def validation(self) -> Sequence[Batch]:
        """Batches of the validation split, always the same."""


class Optimizer(Protocol):
    """Updates the weights. Its state is tensors only, so that a checkpoint needs no pickle."""

    def __init__(self, weights: Mapping[str, Tensor], matrices: frozenset[str], params: Training, compute_dtype: torch.dtype) -> None:
        """Create the state of a new run.

        Args:
            weights: the fp32 weights to update, by name.
            matrices: which of them are hidden matrices.
            params: learning rates and weight decay.
            compute_dtype: what the model computes in; arithmetic that tolerates it may use it too.
        """

    def step(self, gradients: Mapping[str, Tensor], factor: float, step: int) -> None:
        """Update the weights in place.

        Args:
            gradients: fp32 gradient of each weight, by name.
            factor: the learning-rate schedule's factor on the peak learning rates.
            step: number of this step, counted from 1.
        """

    def state(self) -> dict[str, Tensor]:
        """The live state, by name; writing into these tensors restores a checkpoint."""
