"""AdamW (Loshchilov & Hutter 2019) on named tensors: the same arithmetic as torch's, with a state that is tensors only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from pipeline.recipe.training import Training

BETAS = (0.9, 0.98)
"""The second is lower than usual: runs of a few thousand steps are too short for 0.999."""

EPSILON = 1e-9


class AdamW:
    """Adam with decoupled weight decay on weights of two or more dimensions."""

    def __init__(self, weights: Mapping[str, Tensor], matrices: frozenset[str], params: Training, compute_dtype: torch.dtype) -> None:
        """Start with moments of zero."""
        del matrices, compute_dtype
        self._weights = dict(weights)
        self._rate, self._decay = params.learning_rate, params.weight_decay
        self._first = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self._second = {name: torch.zeros_like(weight) for name, weight in weights.items()}

    @torch.no_grad()
    def step(self, gradients: Mapping[str, Tensor], factor: float, step: int) -> None:
        """Update the weights in place."""
        rate = self._rate * factor
        corrections = [1.0 - beta**step for beta in BETAS]
        for name, weight in self._weights.items():
            gradient, first, second = gradients[name], self._first[name], self._second[name]
            first.lerp_(gradient, 1.0 - BETAS[0])
            second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1.0 - BETAS[1])
            if weight.ndim > 1:
                weight.mul_(1.0 - rate * self._decay)
            spread = (second / corrections[1]).sqrt_().add_(EPSILON)
            weight.addcdiv_(first, spread, value=-rate / corrections[0])

    def state(self) -> dict[str, Tensor]:
        """Both moments of every weight."""
        moments = (("first", self._first), ("second", self._second))
        return {f"{kind}.{name}": tensor for kind, tensors in moments for name, tensor in tensors.items()}
