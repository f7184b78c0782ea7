"""One text or two in the tokenizer's frame, and the logits of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.models.batch import Batch
from pipeline.models.collate import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.classification.encode import Texts


def framed_batch(texts: Sequence[Texts], vocabulary: Vocabulary, labels: Tensor) -> Batch:
    """One framed text, or two, per row, padded at the end: the ids that the tokenizer itself gives, so that others get the same answers.

    Args:
        texts: token ids of the first and the second text; the second may be empty.
        vocabulary: its frame says which special tokens go around and between them.
        labels: see `Batch`.
    """
    frame = vocabulary.frame
    rows, types = [], []
    for first, second in texts:
        head = np.concatenate([frame.prefix, first, frame.middle if len(second) else frame.suffix])
        tail = np.concatenate([second, frame.pair_suffix]) if len(second) else np.array([])
        rows.append(np.concatenate([head, tail]).astype(np.int64))
        types.append(np.concatenate([np.zeros(len(head)), np.ones(len(tail))]).astype(np.int64))
    ids, mask = pad(rows, vocabulary.pad)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if frame.types:
        inputs["token_type_ids"] = pad(types, 0)[0]
    return Batch(inputs, labels)


def class_logits(model: TextModel, batch: Batch) -> Tensor:
    """Logits of the classes: shape [B, K]."""
    if model.head is None:
        logits: Tensor = model(batch).logits
        return logits
    # in fp32: bf16 counts no further than 256, and a served model's head is in fp32 whatever its core is in
    states_BSD = model(batch).last_hidden_state.float()
    mask_BS1 = batch.inputs["attention_mask"][:, :, None].to(states_BSD.dtype)
    mean_BD = (states_BSD * mask_BS1).sum(dim=1) / mask_BS1.sum(dim=1)
    found: Tensor = model.head(mean_BD.to(next(model.head.parameters()).dtype))
    return found
