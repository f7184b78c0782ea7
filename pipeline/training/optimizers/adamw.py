"""AdamW (Loshchilov & Hutter 2019): torch's fused implementation, on named tensors, with a state that is tensors only."""

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
MOMENTS = ("exp_avg", "exp_avg_sq")


class AdamW:
    """Adam with decoupled weight decay on weights of two or more dimensions."""

    def __init__(self, weights: Mapping[str, Tensor], matrices: Mapping[str, bool], params: Training, compute_dtype: torch.dtype) -> None:
        """Start with moments of zero."""
        del matrices, compute_dtype
        self._weights, self._rate = dict(weights), params.learning_rate
        decaying, other = ([weight for weight in weights.values() if (weight.ndim > 1) is wide] for wide in (True, False))
        groups = [{"params": decaying, "weight_decay": params.weight_decay}, {"params": other, "weight_decay": 0.0}]
        # torch makes its state at the first step; a checkpoint is read before it
        self._optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=self._rate, betas=BETAS, eps=EPSILON, fused=True
        )
        for weight in weights.values():
            moments = {name: torch.zeros_like(weight) for name in MOMENTS}
            self._optimizer.state[weight] = {"step": torch.zeros((), device=weight.device), **moments}

    def step(self, gradients: Mapping[str, Tensor], factor: float, step: int) -> None:
        """Update the weights in place."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * factor
        for name, weight in self._weights.items():
            weight.grad = gradients[name]
            self._optimizer.state[weight]["step"].fill_(step - 1)
        self._optimizer.step()
        for weight in self._weights.values():
            weight.grad = None

    def state(self) -> dict[str, Tensor]:
        """Both moments of every weight."""
        return {f"{moment}.{name}": self._optimizer.state[weight][moment] for moment in MOMENTS for name, weight in self._weights.items()}
