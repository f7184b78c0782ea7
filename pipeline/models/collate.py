"""From token ids to a batch of the kind the family is trained on.

A decoder's row holds several documents. Two things separate them: their number in ``document_BL``, from which the model builds a
block-diagonal causal mask, and positions that restart at 0. transformers' own mask recognises packing in some cases only, and
silently leaks between documents in the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.models.base import IGNORED, Batch, PackedBatch, PairBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.models.base import TextModel
    from pipeline.models.shape import Specials


LENGTH_MULTIPLE = 4
"""Lengths of batches are multiples of this. In bf16 a CPU compiles and keeps a kernel for every new shape: a run of a few hundred
steps held 1.6 GB without rounding and 1.2 GB with it, at the same speed."""


@dataclass(frozen=True)
class PackedDocument:
    """One document of a packed row.

    Attributes:
        ids: its tokens except the last, which is only predicted.
        labels: what each position predicts, or `IGNORED`.
        source: how many positions, from the first, a copy head may point at.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    source: int

    def __len__(self) -> int:
        """Positions it takes in a row."""
        return len(self.ids)


def text_document(ids: Sequence[int] | NDArray[np.integer]) -> PackedDocument:
    """A document each of whose tokens predicts the next."""
    whole = np.asarray(ids, dtype=np.int64)
    return PackedDocument(whole[:-1], whole[1:], len(whole) - 1)


def target_after_source(
    source: Sequence[int] | NDArray[np.integer], target: Sequence[int] | NDArray[np.integer], specials: Specials
) -> PackedDocument:
    """``source <sep> target``, of which only the target is predicted."""
    whole = np.concatenate([np.asarray(source), [specials.sep], np.asarray(target)]).astype(np.int64)
    labels = whole[1:].copy()
    labels[: len(source)] = IGNORED
    return PackedDocument(whole[:-1], labels, len(source))


def collate_rows(rows: Sequence[Sequence[PackedDocument]], length: int, pad_id: int) -> PackedBatch:
    """Concatenate the documents of each row.

    Args:
        rows: the documents of each row; together not longer than ``length``.
        length: positions of a row.
        pad_id: id of padding.
    """
    shape = (len(rows), length)
    ids, labels = np.full(shape, pad_id), np.full(shape, IGNORED)
    document, position = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    source = np.zeros(shape, dtype=bool)
    for index, row in enumerate(rows):
        begin = 0
        for number, one in enumerate(row, start=1):
            end = begin + len(one)
            ids[index, begin:end], labels[index, begin:end] = one.ids, one.labels
            document[index, begin:end], position[index, begin:end] = number, np.arange(len(one))
            source[index, begin : begin + one.source] = True
            begin = end
    return PackedBatch(*(torch.from_numpy(part) for part in (ids, document, position, labels, source)))


def collate_pairs(
    sources: Sequence[Sequence[int] | NDArray[np.integer]], targets: Sequence[Sequence[int] | NDArray[np.integer]], pad_id: int
) -> PairBatch:
    """Pad sources and targets to the longest of each, rounded up to a multiple of `LENGTH_MULTIPLE`."""
    return PairBatch(_rectangle(sources, pad_id), _rectangle(targets, IGNORED))


def example_batch(
    model: TextModel, sources: Sequence[Sequence[int] | NDArray[np.integer]], targets: Sequence[Sequence[int] | NDArray[np.integer]]
) -> Batch:
    """One example per row, for either family; the labels are those of the targets, row by row.

    Args:
        model: decides the kind of batch.
        sources: token ids of each source.
        targets: token ids of each target, the end token included.
    """
    if model.batch_type is PairBatch:
        return collate_pairs(sources, targets, model.specials.pad)
    rows = [[target_after_source(source, target, model.specials)] for source, target in zip(sources, targets, strict=True)]
    return collate_rows(rows, round_up(max(len(row[0]) for row in rows)), model.specials.pad)


def round_up(length: int) -> int:
    """The next multiple of `LENGTH_MULTIPLE`."""
    return -(-length // LENGTH_MULTIPLE) * LENGTH_MULTIPLE


def _rectangle(sequences: Sequence[Sequence[int] | NDArray[np.integer]], filler: int) -> torch.Tensor:
    filled = np.full((len(sequences), round_up(max(map(len, sequences)))), filler, dtype=np.int64)
    for row, sequence in zip(filled, sequences, strict=True):
        row[: len(sequence)] = sequence
    return torch.from_numpy(filled)
