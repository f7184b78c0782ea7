"""Greedy decoding in batches, the same for evaluation and for serving.

An example gets the same output whatever company it has in the batch:

* its source is padded to a length that follows from its own length alone (the next multiple of 16), so every row-wise sum
  runs over the same number of terms, and only sources of one padded length share a batch;
* on the CPU everything is computed in double precision: what is left of the influence of the batch's size is rounding
  around 1e-16, which no longer decides between two tokens. It costs a few seconds per 1,000 examples of a small model.
  A GPU keeps the weights' own precision.

Repetition: no three tokens in a row occur twice in one output (Paulus et al. 2018, "A deep reinforced model for abstractive
summarization", section 2.5); without the rule a small model that has nothing to say loops.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipeline.models.base import TextModel
    from pipeline.models.files import Loaded

BUCKET = 16
"""Sources are padded to a multiple of this many tokens."""


def generate(loaded: Loaded, sources: Sequence[Sequence[int]], max_new_tokens: int, batch: int = 64) -> list[list[int]]:
    """Write a target for each source.

    Args:
        loaded: the model.
        sources: token ids of each source; longer ones are cut to the model's ``max_source_tokens``.
        max_new_tokens: longest output.
        batch: examples decoded at once; changes speed and memory, not results.

    Returns:
        The ids of each output, without the end token and without any other special token. An empty source gives an
        empty output.
    """
    model = _exact(loaded.model)
    limit = loaded.info.max_source_tokens
    cut = [list(source[:limit]) for source in sources]
    outputs: list[list[int]] = [[] for _ in cut]
    for length, members in _by_padded_length(cut, limit).items():
        for start in range(0, len(members), batch):
            chosen = members[start : start + batch]
            for index, output in zip(chosen, _decode(model, [cut[i] for i in chosen], length, max_new_tokens), strict=True):
                outputs[index] = output
    return outputs


def _exact(model: TextModel) -> TextModel:
    """The model in the precision that decoding runs in; the one handed in stays as it is."""
    if next(model.parameters()).device.type != "cpu":
        return model.eval()
    return copy.deepcopy(model).double().eval()


def _by_padded_length(sources: list[list[int]], limit: int) -> dict[int, list[int]]:
    """Indices of the non-empty sources by the length they are padded to."""
    groups: dict[int, list[int]] = {}
    for index, source in enumerate(sources):
        if source:
            groups.setdefault(min(-(-len(source) // BUCKET) * BUCKET, limit), []).append(index)
    return dict(sorted(groups.items()))


@torch.inference_mode()
def _decode(model: TextModel, sources: list[list[int]], length: int, max_new_tokens: int) -> list[list[int]]:
    """Greedy decoding of one batch; ends when every row has written the end token."""
    eos = model.specials.eos
    decoding = model.begin(sources, length)
    rows = [_Output() for _ in sources]
    last_B = torch.full((len(sources),), model.start_id, device=next(model.parameters()).device)
    for _ in range(min(max_new_tokens, model.room(length))):
        scores_BV = model.scores(decoding, last_B)
        scores_BV[:, list(model.specials.never_written)] = -torch.inf
        _forbid(scores_BV, rows)
        last_B = scores_BV.argmax(dim=-1)
        for row, token in zip(rows, last_B.tolist(), strict=True):
            row.add(token, eos)
        if all(row.ended for row in rows):
            break
    return [row.tokens for row in rows]


def _forbid(scores_BV: Tensor, rows: list[_Output]) -> None:
    """Rule out every token that would complete three tokens the row has written already."""
    for index, row in enumerate(rows):
        banned = row.after.get((row.tokens[-2], row.tokens[-1])) if len(row.tokens) > 1 else None
        if banned:
            scores_BV[index, sorted(banned)] = -torch.inf


class _Output:
    """One row's tokens so far, and which token followed which pair."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.after: dict[tuple[int, int], set[int]] = {}
        self.ended = False

    def add(self, token: int, eos: int) -> None:
        """Append a token, or end at the end token."""
        if self.ended or token == eos:
            self.ended = True
            return
        self.tokens.append(token)
        if len(self.tokens) > 2:
            first, second, third = self.tokens[-3:]
            self.after.setdefault((first, second), set()).add(third)
