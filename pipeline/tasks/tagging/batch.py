"""Pieces of texts as a padded batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.families.kinds import Kind
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.collate import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.families.vocabulary import Vocabulary

    Ids = NDArray[np.integer]


def tagged_batch(texts: Sequence[Ids], firsts: Sequence[Ids], tags: Sequence[Ids], vocabulary: Vocabulary, kind: Kind) -> Batch:
    """One text in its frame per row, padded at the end; a decoder's row has no special token after the text.

    Args:
        texts: pieces of each text.
        firsts: the places in it that predict a tag.
        tags: the ids of these tags.
        vocabulary: its frame says which special tokens go around a text.
        kind: of the model.
    """
    before = np.array(vocabulary.frame.prefix, dtype=np.int64)
    after = np.array(() if kind is Kind.DECODER else vocabulary.frame.suffix, dtype=np.int64)
    rows, labels = [], []
    for text, first, tag in zip(texts, firsts, tags, strict=True):
        rows.append(np.concatenate([before, text, after]).astype(np.int64))
        label = np.full(len(rows[-1]), IGNORED, dtype=np.int64)
        label[len(before) + np.asarray(first, dtype=np.int64)] = tag
        labels.append(label)
    ids, mask = pad(rows, vocabulary.pad)
    return Batch({"input_ids": ids, "attention_mask": mask}, pad(labels, IGNORED)[0])
