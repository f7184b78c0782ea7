"""Negative log-likelihood of given answers: the basis of loss, perplexity and bits per byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.models.collate import collate_answers
from pipeline.models.losses import token_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.models.files import Loaded


@torch.inference_mode()
def negative_log_likelihoods(
    loaded: Loaded,
    sources: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    batch: int = 32,
    on_batch: Callable[[], object] = lambda: None,
    given: int = 0,
) -> list[float]:
    """Negative log-likelihood of each answer given its source, in nats, summed over the answer's tokens.

    Args:
        loaded: the model.
        sources: token ids of each source, without special tokens, not longer than the model reads.
        answers: token ids of each answer, the end token included; none may be empty.
        batch: examples computed at once. Those of similar length go together; changes speed, not results beyond rounding.
        on_batch: called after each batch.
        given: tokens at the start of each answer that the model is given; they do not count.
    """
    order = sorted(range(len(sources)), key=lambda index: (len(sources[index]), len(answers[index]), index))
    found = [0.0] * len(sources)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        wanted = [answers[index] for index in chosen]
        rows = collate_answers(loaded.model, [sources[index] for index in chosen], wanted, loaded.info.vocabulary, given)
        each_N = token_losses(loaded.model, rows.to(loaded.device))
        ends = np.cumsum([len(answer) - given for answer in wanted])[:-1]
        for index, part in zip(chosen, np.split(each_N.double().cpu().numpy(), ends), strict=True):
            found[index] = float(part.sum())
        on_batch()
    return found
