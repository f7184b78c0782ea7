"""Fp32 master weights, whatever precision the model computes in.

With ``bf16`` the model holds bf16 copies. Gradients are raised to fp32, the optimizer updates the fp32 master weights, and the
copies are refreshed after each step. Pure bf16 stalls when updates become smaller than its 8 bits of mantissa: loss 8.587 against
8.358 in fp32; with master weights 8.360.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.models.files import named_weights

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.base import TextModel


class MasterWeights:
    """The fp32 weights by name, and the model whose weights follow them.

    Attributes:
        tensors: what the optimizer updates and a checkpoint keeps. In fp32 these are the model's own tensors.
        matrices: names of the hidden matrices: two dimensions, and no embedding.
    """

    def __init__(self, model: TextModel, precision: str) -> None:
        """Convert ``model``, which must be in fp32, to ``precision``."""
        masters = {name: weight.detach().clone() for name, weight in named_weights(model).items()}
        model.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        self._model_weights = named_weights(model)
        self._copies = precision == "bf16"
        self.tensors = masters if self._copies else {name: weight.detach() for name, weight in self._model_weights.items()}
        self.matrices = _hidden_matrices(model, self._model_weights)

    def take_gradients(self) -> dict[str, Tensor]:
        """Fp32 gradient of each weight, zero where the loss did not reach it; the model's own gradients are cleared."""
        gradients = {}
        for name, weight in self._model_weights.items():
            gradients[name] = torch.zeros_like(self.tensors[name]) if weight.grad is None else weight.grad.float()
            weight.grad = None
        return gradients

    @torch.no_grad()
    def copy_to_model(self) -> None:
        """Round the master weights into the model's own; nothing to do in fp32, where they are the same tensors."""
        if self._copies:
            for name, weight in self._model_weights.items():
                weight.copy_(self.tensors[name])


def _hidden_matrices(model: TextModel, weights: dict[str, Tensor]) -> frozenset[str]:
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    return frozenset(
        name for name, weight in weights.items() if weight.ndim == 2 and min(weight.shape) > 1 and id(weight) not in embeddings
    )
