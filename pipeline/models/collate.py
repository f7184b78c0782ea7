"""From token ids to a batch, for each kind of model: padded rows, packed rows, and answers after or beside their source.

Examples hold plain content. The special tokens of the tokenizer's frame are added here, so that tokens do not depend on the
kind of model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.families.kinds import Kind
from pipeline.models.architecture import decoder_start
from pipeline.models.batch import IGNORED, Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.models.text_model import TextModel

    Ids = Sequence[int] | NDArray[np.integer]

LENGTH_MULTIPLE = 4
"""Lengths of batches are multiples of this. In bf16 a CPU compiles and keeps a kernel for every new shape: a run of a few hundred
steps held 1.6 GB without rounding and 1.2 GB with it, at the same speed."""


@dataclass(frozen=True)
class PackedDocument:
    """One document of a packed row.

    Attributes:
        ids: its tokens except the last, which is only predicted.
        labels: what each position predicts, or `IGNORED`.
        source: how many positions, from the first, belong to the source of an answer.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    source: int

    def __len__(self) -> int:
        """Positions it takes in a row."""
        return len(self.ids)


def text_document(ids: Ids, predicted: NDArray[np.bool_] | None = None) -> PackedDocument:
    """A document each of whose tokens predicts the next; with ``predicted``, only the tokens marked there are predicted."""
    whole = np.asarray(ids, dtype=np.int64)
    labels = whole[1:].copy()
    if predicted is not None:
        labels[~predicted[1:]] = IGNORED
    return PackedDocument(whole[:-1], labels, len(whole) - 1)


def prompt_ids(source: Ids, vocabulary: Vocabulary, kind: Kind) -> NDArray[np.int64]:
    """What a model reads before it writes an answer: the source in the frame of its kind."""
    if kind is Kind.DECODER:
        ends: tuple[int, ...] = () if vocabulary.sep is None else (vocabulary.sep,)
    else:
        ends = vocabulary.frame.suffix
    return np.concatenate([vocabulary.frame.prefix, np.asarray(source), ends]).astype(np.int64)


def answer_document(source: Ids, answer: Ids, vocabulary: Vocabulary, given: int = 0) -> PackedDocument:
    """Source and answer as one document of a decoder, of which only the answer after its ``given`` first tokens is predicted."""
    prompt = prompt_ids(source, vocabulary, Kind.DECODER)
    whole = np.concatenate([prompt, np.asarray(answer)]).astype(np.int64)
    labels = whole[1:].copy()
    labels[: len(prompt) - 1 + given] = IGNORED
    return PackedDocument(whole[:-1], labels, len(prompt))


def collate_rows(rows: Sequence[Sequence[PackedDocument]], length: int, pad_id: int) -> Batch:
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
    tensors = [torch.from_numpy(part) for part in (ids, position, labels, document, source)]
    return Batch({"input_ids": tensors[0], "position_ids": tensors[1]}, tensors[2], document=tensors[3], source=tensors[4])


def collate_answers(model: TextModel, sources: Sequence[Ids], answers: Sequence[Ids], vocabulary: Vocabulary, given: int = 0) -> Batch:
    """One example per row; the labels are the answers' tokens, row by row.

    Args:
        model: decides between an encoder-decoder's two sequences and a decoder's one.
        sources: token ids of each source, without special tokens.
        answers: token ids of each answer, its end token included.
        vocabulary: of the tokenizer.
        given: tokens at the start of each answer that the model is given, e.g. its language; they are not predicted.
    """
    if model.kind is Kind.DECODER:
        rows = [[answer_document(source, answer, vocabulary, given)] for source, answer in zip(sources, answers, strict=True)]
        return collate_rows(rows, round_up(max(len(row[0]) for row in rows)), vocabulary.pad)
    prompts = [prompt_ids(source, vocabulary, model.kind) for source in sources]
    return collate_seq2seq(model, prompts, answers, vocabulary, given)


def collate_seq2seq(model: TextModel, sources: Sequence[Ids], answers: Sequence[Ids], vocabulary: Vocabulary, given: int = 0) -> Batch:
    """Two padded sequences for an encoder-decoder, both as they are: framed sources, answers with their end token.

    The first ``given`` tokens of each answer are no labels.
    """
    ids, mask = pad(sources, vocabulary.pad)
    written, labels = written_answers(model, answers, vocabulary)
    labels[:, :given] = IGNORED
    return Batch({"input_ids": ids, "attention_mask": mask, "decoder_input_ids": written}, labels)


def written_answers(model: TextModel, answers: Sequence[Ids], vocabulary: Vocabulary) -> tuple[torch.Tensor, torch.Tensor]:
    """What the decoder of a model reads while it writes answers, and what it should write at each place: both of shape [B, T]."""
    labels, _ = pad(answers, IGNORED)
    written = labels.masked_fill(labels == IGNORED, vocabulary.pad)
    start = torch.full((len(written), 1), decoder_start(model.core.config, vocabulary))
    return torch.cat([start, written[:, :-1]], dim=1), labels


def pad(sequences: Sequence[Ids], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences padded at the end to the longest, rounded up to a multiple of `LENGTH_MULTIPLE`, and the mask of what is real."""
    length = round_up(max(map(len, sequences)))
    filled = np.full((len(sequences), length), filler, dtype=np.int64)
    mask = np.zeros_like(filled)
    for row, real, sequence in zip(filled, mask, sequences, strict=True):
        row[: len(sequence)] = sequence
        real[: len(sequence)] = 1
    return torch.from_numpy(filled), torch.from_numpy(mask)


def round_up(length: int) -> int:
    """The next multiple of `LENGTH_MULTIPLE`."""
    return -(-length // LENGTH_MULTIPLE) * LENGTH_MULTIPLE
