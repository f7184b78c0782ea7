"""The attention mask of packed rows, and the proof that a model respects it.

transformers recognises packing by positions in some cases only, and silently leaks between documents in the others. A mask of
zeros and very negative numbers is added to the scores by every attention kernel, so it isolates under ``eager`` and ``sdpa``
alike. A boolean mask leaks under ``eager``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.text_model import TextModel

PROBE_LENGTH = 6
TOLERANCE = 1e-4
"""Change of a logit that counts as a leak: rounding stays below 1e-5, a leak is around 0.1."""


def additive_mask(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """True = may attend → 0, False → the most negative number: shape [B, 1, queries, keys]."""
    mask = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return mask.masked_fill_(~allowed, torch.finfo(dtype).min).unsqueeze(1)


def packed_mask(document_BL: Tensor, dtype: torch.dtype, *, causal: bool) -> Tensor:
    """A position attends to positions of its own document; with ``causal`` only to earlier ones and itself: [B, 1, L, L]."""
    allowed_BLL = document_BL[:, :, None] == document_BL[:, None, :]
    if causal:
        length = document_BL.shape[1]
        allowed_BLL = allowed_BLL & torch.ones(length, length, dtype=torch.bool, device=document_BL.device).tril()
    return additive_mask(allowed_BLL, dtype)


@torch.no_grad()
def isolates_documents(model: TextModel, vocabulary: int) -> bool:
    """Whether packed documents stay apart: another first document must not move a logit of the second.

    Args:
        model: with a head that predicts tokens.
        vocabulary: number of token ids to draw from.
    """
    from pipeline.models.batch import Batch

    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    document = torch.tensor([[1] * PROBE_LENGTH + [2] * PROBE_LENGTH])
    position = torch.arange(PROBE_LENGTH).repeat(2)[None]
    last = torch.randint(vocabulary, (1, PROBE_LENGTH), generator=generator)
    was_training = model.training
    logits = []
    for _ in range(2):
        first = torch.randint(vocabulary, (1, PROBE_LENGTH), generator=generator)
        ids = torch.cat([first, last], dim=1)
        batch = Batch({"input_ids": ids, "position_ids": position}, labels=ids, document=document).to(device)
        logits.append(model.eval()(batch).logits[:, PROBE_LENGTH:].float())
    model.train(was_training)
    return bool((logits[0] - logits[1]).abs().max() < TOLERANCE)
