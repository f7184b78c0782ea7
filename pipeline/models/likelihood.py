"""Negative log-likelihood of given targets: the basis of loss, perplexity and bits per byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.models.collate import example_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.models.files import Loaded


@torch.inference_mode()
def negative_log_likelihoods(
    loaded: Loaded,
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    batch: int = 32,
    on_batch: Callable[[], object] = lambda: None,
) -> list[float]:
    """Negative log-likelihood of each target given its source, in nats, summed over the target's tokens.

    Args:
        loaded: the model.
        sources: token ids of each source; longer ones are cut to the model's ``max_source_tokens``.
        targets: token ids of each target, the end token included; none may be empty.
        batch: examples computed at once. Those of similar length go together; changes speed, not results beyond rounding.
        on_batch: called after each batch.
    """
    model, limit = loaded.model, loaded.info.max_source_tokens
    device = next(model.parameters()).device
    order = sorted(range(len(sources)), key=lambda index: (len(sources[index]), len(targets[index]), index))
    found = [0.0] * len(sources)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        wanted = [targets[index] for index in chosen]
        each_N = model(example_batch(model, [sources[index][:limit] for index in chosen], wanted).to(device))
        for index, part in zip(chosen, each_N.double().cpu().split([len(target) for target in wanted]), strict=True):
            found[index] = float(part.sum())
        on_batch()
    return found
