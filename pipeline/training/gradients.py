"""What is done to the gradients between the backward pass and the optimizer: clipping, and the L1 penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.training.divergence import check_finite

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.training.master_weights import MasterWeights


@torch.no_grad()
def clip_gradients(gradients: dict[str, Tensor], max_norm: float, step: int) -> float:
    """Scale the gradients down, in place, so that their joint norm is at most ``max_norm``; return the norm before.

    Raises:
        BadInput: the norm is NaN or infinite: training has diverged.
    """
    norm = float(torch.stack([gradient.norm() for gradient in gradients.values()]).norm())
    check_finite("gradient norm", norm, step)
    if norm > max_norm:
        for gradient in gradients.values():
            gradient.mul_(max_norm / norm)
    return norm


@torch.no_grad()
def add_l1_gradient(gradients: dict[str, Tensor], weights: MasterWeights, strength: float) -> None:
    """Add the gradient of ``strength · Σ|w|`` over the hidden matrices, in place."""
    for name in sorted(weights.matrices) if strength else ():
        gradients[name].add_(weights.tensors[name].sign(), alpha=strength)
