"""A batch: what goes into a model, and what it should predict.

Legend of shape suffixes in this package: B rows, S source positions, T target positions, L positions of a packed row, D hidden
size, V vocabulary, N labels in the whole batch, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch
    from torch import Tensor

IGNORED = -100
"""Label of a position without a prediction; the value that torch's and transformers' losses use."""


@dataclass(frozen=True)
class Batch:
    """Tensors whose first dimension is the row, so that a rank can take every n-th row."""

    inputs: Mapping[str, Tensor]
    """Arguments of the model's ``forward`` by name."""

    labels: Tensor
    """Token ids [B, T] or [B, L], `IGNORED` where nothing is predicted; classes [B]; or numbers [B, K]."""

    document: Tensor | None = None
    """Packed rows only, [B, L]: the documents of a row numbered from 1; 0 is padding."""

    source: Tensor | None = None
    """Packed rows only, [B, L]: which positions belong to the source of an answer."""

    @property
    def label_count(self) -> int:
        """Number of predictions that the loss is averaged over."""
        return len(self.labels) if self.labels.is_floating_point() else int((self.labels != IGNORED).sum())

    @property
    def tokens(self) -> int:
        """Number of positions computed on, padding included."""
        return sum(tensor.numel() for name, tensor in self.inputs.items() if name.endswith("input_ids"))

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return self._each(lambda tensor: tensor.to(device))

    def rows(self, rows: slice) -> Batch:
        """Some of its rows."""
        return self._each(lambda tensor: tensor[rows])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        optional = {
            name: None if tensor is None else change(tensor) for name, tensor in (("document", self.document), ("source", self.source))
        }
        return replace(self, inputs={name: change(tensor) for name, tensor in self.inputs.items()}, labels=change(self.labels), **optional)
