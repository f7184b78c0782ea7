"""The weights that are trained: fp32 always, whatever the model computes in.

With ``bf16`` the model holds bf16 copies, gradients are raised to fp32, the optimizer moves fp32 masters, and the copies
are made anew after each step. Pure bf16 stalls when updates become smaller than its 8 bits of mantissa (loss 8.587 against
8.358); masters mend it (8.360).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.errors import BadInput
from pipeline.models.files import named_weights

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.base import TextModel


def choose_precision(asked: str, device: torch.device) -> str:
    """``fp32`` or ``bf16``; ``auto`` takes bf16 where the hardware multiplies in it, and fp32 elsewhere.

    On a CPU with AVX-512 BF16 a step of a 128-wide model takes 0.6 of its time in fp32; one without emulates it.
    """
    if asked != "auto":
        return asked
    native = torch.cuda.is_bf16_supported() if device.type == "cuda" else torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - no public name yet
    return "bf16" if native else "fp32"


class Weights:
    """The fp32 weights by name, in step with the model's own.

    Attributes:
        exact: what the optimizer moves and a checkpoint keeps. In fp32 these are the model's own tensors.
        matrices: names of the hidden matrices: two dimensions, and no embedding.
    """

    def __init__(self, model: TextModel, precision: str) -> None:
        """Take the model as it is, which must be in fp32, and put it into ``precision``."""
        masters = {name: weight.detach().clone() for name, weight in named_weights(model).items()}
        model.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        self._own = named_weights(model)
        own = {name: weight.detach() for name, weight in self._own.items()}
        self.exact = masters if precision == "bf16" else own
        self.matrices = _hidden_matrices(model, self._own)
        self._copies = precision == "bf16"

    def gradients(self) -> dict[str, Tensor]:
        """Fp32 gradient of each weight, zero where the loss did not reach it; takes them from the model."""
        found = {}
        for name, weight in self._own.items():
            found[name] = torch.zeros_like(self.exact[name]) if weight.grad is None else weight.grad.float()
            weight.grad = None
        return found

    @torch.no_grad()
    def publish(self) -> None:
        """Bring the model's own weights in step with the exact ones."""
        if self._copies:
            for name, weight in self._own.items():
                weight.copy_(self.exact[name])


def _hidden_matrices(model: TextModel, weights: dict[str, Tensor]) -> frozenset[str]:
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    return frozenset(
        name for name, weight in weights.items() if weight.ndim == 2 and min(weight.shape) > 1 and id(weight) not in embeddings
    )


@torch.no_grad()
def clip(gradients: dict[str, Tensor], largest: float, step: int) -> float:
    """Scale the gradients down, in place, so that their joint norm is at most ``largest``; return the norm before.

    Raises:
        BadInput: a gradient is not a number: training has diverged.
    """
    norm = float(torch.stack([gradient.norm() for gradient in gradients.values()]).norm())
    if norm != norm or norm == float("inf"):
        raise BadInput(f"training diverged: the gradient of step {step} is {norm}", "a finite one", "lower learning_rate or clip")
    if norm > largest:
        for gradient in gradients.values():
            gradient.mul_(largest / norm)
    return norm


@torch.no_grad()
def add_l1(gradients: dict[str, Tensor], weights: Weights, strength: float) -> None:
    """Add the gradient of ``strength · Σ|w|`` over hidden matrices."""
    for name in sorted(weights.matrices) if strength else ():
        gradients[name].add_(weights.exact[name].sign(), alpha=strength)
