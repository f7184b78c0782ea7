"""What is done to the gradients between the backward pass and the optimizer: clipping; and the L1 penalty after it."""

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
def shrink_towards_zero(weights: MasterWeights, amount: float) -> None:
    """Move every element of the hidden matrices towards zero by ``amount``, and not beyond it.

    This is the proximal step of the L1 penalty (soft thresholding; Parikh & Boyd 2014, "Proximal Algorithms", section 6.5.2). It
    follows the update, so it works alike with every optimizer; a gradient of the penalty would be rescaled by Adam and
    orthogonalised by Muon.
    """
    for name in sorted(weights.matrices) if amount else ():
        weight = weights.tensors[name]
        weight.copy_(weight.sign() * (weight.abs() - amount).clamp_min_(0.0))
