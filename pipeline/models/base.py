"""The interface of a model family, and the two kinds of batches.

Legend of shape suffixes: B rows, S source positions, T target positions, L positions of a packed row, D hidden size,
V vocabulary, N labels in the whole batch.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pipeline.models.shape import Shape, Specials

IGNORED = -100
"""Label of a position without a prediction; the value that torch's and transformers' losses use."""


@dataclass(frozen=True)
class PairBatch:
    """Source and target sequences, each padded at the end with the pad token: for encoder-decoders."""

    source_BS: Tensor
    target_BT: Tensor

    @property
    def labels(self) -> int:
        """Number of positions that are predicted."""
        return int((self.target_BT != IGNORED).sum())

    @property
    def tokens(self) -> int:
        """Number of positions computed on, padding included."""
        return self.source_BS.numel() + self.target_BT.numel()

    def to(self, device: torch.device) -> PairBatch:
        """The same batch on another device."""
        return PairBatch(self.source_BS.to(device), self.target_BT.to(device))


@dataclass(frozen=True)
class PackedBatch:
    """Packed rows, each holding several documents side by side: for decoders.

    ``document_BL`` numbers the documents of a row from 1; 0 is padding. A position attends only to earlier positions of
    its own document. ``source_BL`` marks the positions a copy head may point at.
    """

    ids_BL: Tensor
    document_BL: Tensor
    position_BL: Tensor
    labels_BL: Tensor
    source_BL: Tensor

    @property
    def labels(self) -> int:
        """Number of positions that are predicted."""
        return int((self.labels_BL != IGNORED).sum())

    @property
    def tokens(self) -> int:
        """Number of positions computed on, padding included."""
        return self.ids_BL.numel()

    def to(self, device: torch.device) -> PackedBatch:
        """The same batch on another device."""
        parts = (self.ids_BL, self.document_BL, self.position_BL, self.labels_BL, self.source_BL)
        return PackedBatch(*(part.to(device) for part in parts))


Batch = PairBatch | PackedBatch


class DecodingState:
    """What a family keeps between two steps of generation: keys and values, and the source for a copy head."""


class TextModel(nn.Module):
    """A language model of some family.

    Attributes:
        batch_type: the kind of batch the family is trained on.
    """

    batch_type: ClassVar[type[PairBatch] | type[PackedBatch]]

    def __init__(self, shape: Shape, vocabulary: int, specials: Specials) -> None:
        super().__init__()
        self.shape, self.vocabulary, self.specials = shape, vocabulary, specials

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of each label, in nats, in row order: shape [N]. Logits are computed at labels only."""

    @abstractmethod
    def start_decoding(self, sources: list[list[int]], length: int) -> DecodingState:
        """Read the sources, padded to ``length`` positions."""

    @abstractmethod
    def next_log_probs(self, state: DecodingState, last_B: Tensor) -> Tensor:
        """Feed one token per row and return the log-probabilities of the next: shape [B, V]."""

    @property
    @abstractmethod
    def start_id(self) -> int:
        """The token that generation starts from."""

    @property
    @abstractmethod
    def core(self) -> nn.Module:
        """The transformers model inside, whose names the weight file uses."""

    def max_target_tokens(self, length: int) -> int:
        """Longest target that fits after a source padded to ``length``."""
        del length
        return sys.maxsize

    def set_attention_kernel(self, kernel: str) -> None:
        """Choose the attention kernel: ``eager`` or ``sdpa``. Results differ in the last bits only."""
        self.core.set_attn_implementation(kernel)  # type: ignore[operator]


def additive_mask(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn True = may attend into 0 and False into the most negative number: shape [B, 1, queries, keys].

    Both kernels add such a mask. transformers' eager attention reads a boolean mask as 0 and 1, and then silently lets every
    position attend everywhere.
    """
    mask = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return mask.masked_fill_(~allowed, torch.finfo(dtype).min).unsqueeze(1)


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Raise half precision to fp32, where logarithms of probabilities are safe; leave double precision alone."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def pad_to(sequences: list[list[int]], length: int, pad_id: int, *, left: bool = False) -> Tensor:
    """``sequences`` as a tensor, each cut or padded to ``length``: shape [B, length]."""
    rows = [row[:length] for row in sequences]
    if left:
        return torch.tensor([[pad_id] * (length - len(row)) + row for row in rows])
    return torch.tensor([row + [pad_id] * (length - len(row)) for row in rows])
