"""From texts to vectors: batches of pairs, pooling, and the contrastive loss.

Legend beyond `pipeline.models.batch`: B pairs, D numbers of a vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from pipeline.families.kinds import Kind
from pipeline.models.batch import Batch
from pipeline.models.collate import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.models.text_model import TextModel

    Ids = NDArray[np.integer]

SECOND = "pair_"
"""Prefix of the second text's tensors in a batch."""


def text_tensors(texts: Sequence[Ids], vocabulary: Vocabulary, kind: Kind) -> dict[str, Tensor]:
    """Framed texts, padded at the end; a decoder's row ends with the end token, whose state has seen the whole text."""
    end = (vocabulary.eos,) if kind is Kind.DECODER else vocabulary.frame.suffix
    rows = [np.concatenate([vocabulary.frame.prefix, text, end]).astype(np.int64) for text in texts]
    ids, mask = pad(rows, vocabulary.pad)
    return {"input_ids": ids, "attention_mask": mask}


def pair_batch(first: Sequence[Ids], second: Sequence[Ids], vocabulary: Vocabulary, kind: Kind) -> Batch:
    """One pair per row. The label of each row is its own second text."""
    other = {SECOND + name: tensor for name, tensor in text_tensors(second, vocabulary, kind).items()}
    return Batch({**text_tensors(first, vocabulary, kind), **other}, torch.zeros(len(first), dtype=torch.long))


def text_vectors(model: TextModel, inputs: dict[str, Tensor]) -> Tensor:
    """Vectors of length 1: the mean of the states, or the last state of a decoder; shape [B, D], in fp32."""
    states_BSD = model(Batch(inputs, inputs["input_ids"])).last_hidden_state.float()
    mask_BS1 = inputs["attention_mask"][:, :, None].to(states_BSD.dtype)
    if model.kind is Kind.DECODER:
        last_B = inputs["attention_mask"].sum(dim=1) - 1
        pooled_BD = states_BSD[torch.arange(len(states_BSD), device=states_BSD.device), last_B]
    else:
        pooled_BD = (states_BSD * mask_BS1).sum(dim=1) / mask_BS1.sum(dim=1).clamp_min(1)  # an empty text without a frame
    return functional.normalize(pooled_BD, dim=1)


def contrastive_losses(model: TextModel, batch: Batch, temperature: float) -> Tensor:
    """InfoNCE of each pair, in nats (van den Oord et al. 2018, equation 4), with the second texts of the batch as negatives: shape [B].

    A second text that equals a row's own is no negative of that row.
    """
    given = dict(batch.inputs)
    second = {name.removeprefix(SECOND): given.pop(name) for name in list(given) if name.startswith(SECOND)}
    similar_BB = text_vectors(model, given) @ text_vectors(model, second).T / temperature
    own_B = torch.arange(len(similar_BB), device=similar_BB.device)
    equal_BB = (second["input_ids"][:, None] == second["input_ids"][None]).all(dim=2)
    equal_BB[own_B, own_B] = False
    return functional.cross_entropy(similar_BB.masked_fill(equal_BB, float("-inf")), own_B, reduction="none")
