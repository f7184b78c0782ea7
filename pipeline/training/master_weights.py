"""Fp32 master weights, whatever precision the model computes in.

With ``bf16`` the model holds bf16 copies. Gradients are raised to fp32, the optimizer updates the fp32 master weights, and the
copies are refreshed after each step. Pure bf16 stalls when updates become smaller than its 8 bits of mantissa: loss 8.587 against
8.358 in fp32; with master weights 8.360. Only parameters are converted: a rotary embedding's frequencies in bf16 are wrong by 3.6
radians at position 8,192.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers.pytorch_utils import Conv1D

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.text_model import TextModel


class MasterWeights:
    """The trained weights in fp32 by name, and the model whose weights follow them. Frozen weights are not among them.

    Attributes:
        tensors: what the optimizer updates and a checkpoint keeps. In fp32 these are the model's own tensors.
        matrices: the hidden matrices: two dimensions, no embedding, no output layer. True if it is stored as [inputs, outputs], as
            GPT-2 stores its own; others are [outputs, inputs].
        compute_dtype: what the model computes in.
    """

    def __init__(self, model: TextModel, precision: str) -> None:
        """Convert ``model``, which must be in fp32, to ``precision``."""
        self._model_weights = {name: weight for name, weight in model.named_weights().items() if weight.requires_grad}
        self._copies = precision == "bf16"
        self.compute_dtype = torch.bfloat16 if self._copies else torch.float32
        self.tensors = {name: weight.detach() for name, weight in self._model_weights.items()}
        self._frozen: list[tuple[Tensor, Tensor]] = []
        if self._copies:
            self.tensors = {name: weight.clone() for name, weight in self.tensors.items()}
            for weight in model.parameters():
                exact, weight.data = weight.data, weight.data.to(torch.bfloat16)
                # a base that was saved in bf16 loses nothing and is not kept twice
                if not weight.requires_grad and not torch.equal(exact, weight.data.float()):
                    self._frozen.append((weight, exact.cpu()))
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

    def restore_frozen(self) -> None:
        """Give frozen weights back the bits that they were rounded from, after the last step: the model is saved with them."""
        for weight, exact in self._frozen:
            weight.data = exact.to(weight.device)


def _hidden_matrices(model: TextModel, weights: dict[str, Tensor]) -> dict[str, bool]:
    outer = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    output = model.core.get_output_embeddings()
    if output is not None:
        outer.add(id(output.weight))
    transposed = {id(module.weight) for module in model.modules() if isinstance(module, Conv1D)}
    return {
        name: id(weight) in transposed
        for name, weight in weights.items()
        if weight.ndim == 2 and min(weight.shape) > 1 and id(weight) not in outer
    }
