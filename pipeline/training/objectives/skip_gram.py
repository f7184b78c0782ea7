"""Skip-gram with negative sampling (Mikolov et al. 2013, arXiv 1310.4546, sections 2.2 and 2.3): word vectors that tell the words around.

For a word c, a word o near it and k words n drawn at random, the loss is ``-log s(u_o·v_c) - k · mean log s(-u_n·v_c)``, where s is
the logistic function, v are the word vectors and u those of the words around. Random words are drawn with their frequency to the
power of 0.75. Frequent words are left out of the text at random, and each word sees up to ``window`` words on either side. Both choices
follow from seed and step.

The words of a row share their random words, so that most of the work is products of matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.collate import pad
from pipeline.recipe.training import Pretraining
from pipeline.training.objectives.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.text_model import TextModel
    from pipeline.tokens.token_stream import TokenStream
    from pipeline.training.base import FeedInputs

WINDOW = 5
"""Words on either side, where the recipe names no number; each word draws how many of them it sees."""

NEGATIVES = 5
"""How much the random words weigh: as much as so many of them for each word around."""

DRAWN = 16
"""Random words that a row draws."""

POWER = 0.75
"""Of the frequency, when random words are drawn."""

THRESHOLD = 1e-4
"""A word of frequency f is kept with the probability √(threshold / f); the paper names 1e-5 for a corpus a thousand times as large.
With few words the threshold is their mean frequency, or hardly a word would be left."""

RANDOM_WORDS = "random_words"
"""Name of the random words in a batch: [B, R]."""

CHUNK = 1 << 20
"""Tokens that are counted at once."""


class SkipGram(Pieces):
    """Feed of static word vectors in pretraining.

    A label is a word around a word: [B, L, 2 · window], in the order of the places -window … -1, 1 … window.
    """

    def __init__(self, inputs: FeedInputs) -> None:
        """Count the words.

        Raises:
            BadInput: the model is not a table of vectors, or there is no text.
        """
        assert isinstance(inputs.params, Pretraining)
        if inputs.model.kind is not Kind.STATIC:
            raise BadInput(
                f"objective skip_gram for {inputs.model.kind.phrase}", Kind.STATIC.phrase, "change model.family or the objective"
            )
        self._vocabulary, window = inputs.tokens.vocabulary, inputs.params.window or WINDOW
        self._places = np.array([place for place in range(-window, window + 1) if place])
        super().__init__(inputs, self._windows)
        counts = count_tokens(inputs.tokens.stream("train"), self._vocabulary.size)
        counts[list(self._vocabulary.special)] = 0
        if not counts.any():
            raise BadInput("the tokenizer knows no word of the corpus", "", "raise tokenizer.vocabulary, or lower tokenizer.min_frequency")
        frequency = counts / counts.sum()
        threshold = max(THRESHOLD, 1 / np.count_nonzero(counts))
        table = inputs.model.core.get_input_embeddings().weight
        self._table = next(name for name, weight in inputs.model.named_weights().items() if weight is table)
        self._importance = threshold / (threshold + frequency)
        self._kept = np.sqrt(np.divide(threshold, frequency, out=np.zeros_like(frequency), where=frequency > 0))
        self._drawn = np.cumsum(counts**POWER / (counts**POWER).sum())

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """The loss of each word around a word, its share of the random words included, in nats."""
        given = dict(batch.inputs)
        random_BR = given.pop(RANDOM_WORDS)
        around = model.core.get_output_embeddings()
        words_BLD = model(Batch(given, batch.labels)).last_hidden_state
        near_BLL = (words_BLD @ around(given["input_ids"]).transpose(1, 2)).float()
        random_BLR = (words_BLD @ around(random_BR).transpose(1, 2)).float()
        negative_BL1 = NEGATIVES * functional.softplus(random_BLR).mean(dim=2, keepdim=True)
        length = near_BLL.shape[1]
        places_LW = torch.arange(length)[:, None] + torch.from_numpy(self._places)
        places_BLW = places_LW.clamp(0, max(0, length - 1)).to(near_BLL.device).expand(len(near_BLL), -1, -1)
        losses_BLW = functional.softplus(-near_BLL.gather(2, places_BLW)) + negative_BL1
        return losses_BLW[batch.labels != IGNORED]

    def finish(self, weights: Mapping[str, Tensor]) -> None:
        """Shorten the vectors of frequent words, so that rare words decide the mean of a text; cosines between words stay.

        The weights are those of Arora et al. 2017, "A simple but tough-to-beat baseline for sentence embeddings", algorithm 1.
        """
        table = weights[self._table]
        table.mul_(torch.from_numpy(self._importance).to(table)[:, None])

    def _windows(self, pieces: list[NDArray[np.int64]], generator: np.random.Generator) -> Batch:
        ids, mask = pad([self._thin(piece, generator) for piece in pieces], self._vocabulary.pad)
        window = int(self._places[-1])
        beside = np.pad(np.where(mask.bool().numpy(), ids.numpy(), IGNORED), ((0, 0), (window, window)), constant_values=IGNORED)
        around = np.lib.stride_tricks.sliding_window_view(beside, 2 * window + 1, axis=1)[:, :, self._places + window].copy()
        reach = generator.integers(1, window + 1, size=ids.shape)
        seen = (np.abs(self._places) <= reach[:, :, None]) & mask.bool().numpy()[:, :, None]
        around[~seen] = IGNORED
        random = np.searchsorted(self._drawn, generator.random((len(pieces), DRAWN))).clip(max=self._vocabulary.size - 1)
        inputs = {"input_ids": ids, "attention_mask": mask, RANDOM_WORDS: torch.from_numpy(random)}
        return Batch(inputs, torch.from_numpy(around))

    def _thin(self, piece: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
        """The known words of a piece, frequent ones left out at random; all of them if fewer than two would be left."""
        known = piece[self._kept[piece] > 0]
        kept: NDArray[np.int64] = known[generator.random(len(known)) < self._kept[known]]
        return kept if len(kept) > 1 else known


def count_tokens(stream: TokenStream, size: int) -> NDArray[np.float64]:
    """How often each token occurs: shape [size]."""
    counts = np.zeros(size)
    for start in range(0, len(stream.ids), CHUNK):
        counts += np.bincount(stream.ids[start : start + CHUNK], minlength=size)
    return counts
