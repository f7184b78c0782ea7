"""Greedy decoding in batches, the same for evaluation and for serving.

An example gets the same output whichever other examples share its batch:

* Its source is padded to a length that depends on its own length alone: the next multiple of 16. Every row-wise sum then runs over
  the same number of terms. Only sources of one padded length share a batch.
* On the CPU everything is computed in double precision. What remains of the batch size's influence is rounding around 1e-16, too
  small to decide between two tokens. It costs a few seconds per 1,000 examples of a small model. A GPU keeps the weights' precision.

Repetition: no sequence of three tokens occurs twice in one output (Paulus et al. 2018, "A deep reinforced model for abstractive
summarization", section 2.5). Without this rule a small, unsure model loops.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from pipeline.models.base import TextModel
    from pipeline.models.files import Loaded

PADDING_MULTIPLE = 16
"""Sources are padded to a multiple of this many tokens."""


def generate(
    loaded: Loaded,
    sources: Sequence[Sequence[int]],
    max_new_tokens: int,
    batch: int = 64,
    on_token: Callable[[], object] = lambda: None,
) -> list[list[int]]:
    """Write a target for each source.

    Args:
        loaded: the model.
        sources: token ids of each source; longer ones are cut to the model's ``max_source_tokens``.
        max_new_tokens: longest output.
        batch: examples decoded at once; changes speed and memory, not results.
        on_token: called after each token of a batch.

    Returns:
        The ids of each output, without the end token and without any other special token. An empty source gives an
        empty output.
    """
    model = _in_decoding_precision(loaded.model)
    limit = loaded.info.max_source_tokens
    cut = [list(source[:limit]) for source in sources]
    outputs: list[list[int]] = [[] for _ in cut]
    for length, members in _by_padded_length(cut, limit).items():
        for start in range(0, len(members), batch):
            chosen = members[start : start + batch]
            decoded = _decode(model, [cut[i] for i in chosen], length, max_new_tokens, on_token)
            for index, output in zip(chosen, decoded, strict=True):
                outputs[index] = output
    return outputs


def _in_decoding_precision(model: TextModel) -> TextModel:
    """A copy of the model in double precision on the CPU; the model itself on a GPU."""
    if next(model.parameters()).device.type != "cpu":
        return model.eval()
    return copy.deepcopy(model).double().eval()


def _by_padded_length(sources: list[list[int]], limit: int) -> dict[int, list[int]]:
    """Indices of the non-empty sources by the length they are padded to."""
    groups: dict[int, list[int]] = {}
    for index, source in enumerate(sources):
        if source:
            groups.setdefault(min(-(-len(source) // PADDING_MULTIPLE) * PADDING_MULTIPLE, limit), []).append(index)
    return dict(sorted(groups.items()))


@torch.inference_mode()
def _decode(
    model: TextModel, sources: list[list[int]], length: int, max_new_tokens: int, on_token: Callable[[], object]
) -> list[list[int]]:
    """Greedy decoding of one batch; ends when every row has written the end token."""
    eos = model.specials.eos
    state = model.start_decoding(sources, length)
    rows = [_Output() for _ in sources]
    last_B = torch.full((len(sources),), model.start_id, device=next(model.parameters()).device)
    for _ in range(min(max_new_tokens, model.max_target_tokens(length))):
        log_probs_BV = model.next_log_probs(state, last_B)
        log_probs_BV[:, list(model.specials.never_generated)] = -torch.inf
        _block_repeated_trigrams(log_probs_BV, rows)
        last_B = log_probs_BV.argmax(dim=-1)
        for row, token in zip(rows, last_B.tolist(), strict=True):
            row.add(token, eos)
        on_token()
        if all(row.ended for row in rows):
            break
    return [row.tokens for row in rows]


def _block_repeated_trigrams(log_probs_BV: Tensor, rows: list[_Output]) -> None:
    """Rule out every token that would complete a sequence of three tokens the row already contains."""
    for index, row in enumerate(rows):
        banned = row.following.get((row.tokens[-2], row.tokens[-1])) if len(row.tokens) > 1 else None
        if banned:
            log_probs_BV[index, sorted(banned)] = -torch.inf


class _Output:
    """One row's tokens so far, and the tokens that followed each pair of tokens."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.following: dict[tuple[int, int], set[int]] = {}
        self.ended = False

    def add(self, token: int, eos: int) -> None:
        """Append a token, or end at the end token."""
        if self.ended or token == eos:
            self.ended = True
            return
        self.tokens.append(token)
        if len(self.tokens) > 2:
            first, second, third = self.tokens[-3:]
            self.following.setdefault((first, second), set()).add(third)
