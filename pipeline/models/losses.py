"""The loss of each predicted token: logits are computed at labels only.

A vocabulary is large and most positions have no label, so the logits of a whole batch would take most of the memory: 98 GiB at
32 x 2,048 positions and 128,000 tokens. The states of the other positions are dropped just before the output layer. Whatever a
family does before it (T5's scale) or after it (Gemma's cap) works on the remaining rows as well.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch.nn import functional

from pipeline.models.batch import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel


def token_losses(model: TextModel, batch: Batch) -> Tensor:
    """Negative log-likelihood of each label, in nats, row by row: shape [N].

    Args:
        model: with a head that predicts tokens. A family may compute the losses itself (``label_losses``), as a copy head does.
        batch: labels are token ids, `IGNORED` where nothing is predicted.
    """
    own = getattr(model.core, "label_losses", None)
    if own is not None:
        losses: Tensor = own(model.inputs(batch), batch.labels)
        return losses
    wanted = batch.labels != IGNORED
    with logits_at(model, wanted):
        logits_NV = model(batch).logits
    precise = logits_NV if logits_NV.dtype.itemsize > 4 else logits_NV.float()
    return functional.cross_entropy(precise, batch.labels[wanted], reduction="none")


@contextmanager
def logits_at(model: TextModel, wanted: Tensor) -> Iterator[None]:
    """Inside this context the model computes logits at the wanted positions only, row by row: [N, V] instead of [B, L, V]."""
    layer = model.core.get_output_embeddings()
    hook = layer.register_forward_pre_hook(lambda _, arguments: (arguments[0][wanted],))
    try:
        yield
    finally:
        hook.remove()
