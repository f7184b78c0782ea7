"""Masked language modelling (Devlin et al. 2019, BERT, section 3.1): some tokens are hidden, and the model names them.

Of the chosen tokens 80 % become the mask token, 10 % a random token, 10 % stay. The choice differs at every step (Liu et al. 2019,
RoBERTa, section 4.1); it is a pure function of seed and step.

With whole words the pieces of a word are chosen together, and each piece is then replaced or not by itself, as in BERT's own code
(github.com/google-research/bert, "Whole Word Masking"). A model cannot then guess a piece from the rest of its word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.collate import pad
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.models.losses import token_losses
from pipeline.recipe.training import Pretraining
from pipeline.tokens.word_starts import word_starts
from pipeline.training.objectives.pieces import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.text_model import TextModel
    from pipeline.tokens.word_starts import WordStarts
    from pipeline.training.base import FeedInputs

MASKED, RANDOM = 0.8, 0.1
"""Shares of the chosen tokens that become the mask token, and a random one."""

LONGEST_WORD = 16
"""Pieces of the longest word that is masked whole. In a script without blanks a tokenizer's words are sentences; their pieces are
masked one by one."""


class MaskedLm(Pieces):
    """Feed of an encoder in pretraining."""

    def __init__(self, inputs: FeedInputs) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the model is not an encoder, the tokenizer has no mask token or does not tell where words begin, or there is no text.
        """
        assert isinstance(inputs.params, Pretraining)
        if inputs.model.kind is not Kind.ENCODER:
            raise BadInput(f"objective masked_lm for {inputs.model.kind.phrase}", "an encoder", "change model.family or the objective")
        self._vocabulary, self._share = inputs.tokens.vocabulary, inputs.params.corrupted
        if self._vocabulary.mask is None:
            raise BadInput("the tokenizer has no mask token", "one for objective masked_lm", "choose another tokenizer")
        self._word_starts: WordStarts | None = None
        if inputs.params.whole_words:
            self._word_starts = word_starts(load_content_tokenizer(inputs.tokens.tokenizer), "pretraining.whole_words")
        super().__init__(inputs, self._mask_pieces)

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each hidden token."""
        return token_losses(model, batch)

    def _mask_pieces(self, pieces: list[NDArray[np.int64]], generator: np.random.Generator) -> Batch:
        ids, mask = pad(pieces, self._vocabulary.pad)
        labels = ids.clone()
        allowed = mask.bool().numpy() & ~np.isin(ids.numpy(), self._vocabulary.special)
        draws = generator.random(ids.shape)
        first = self._first_pieces(ids.numpy(), allowed) if self._word_starts else None
        if first is not None:
            draws = np.take_along_axis(draws, first, axis=1)
        chosen = (draws < self._share) & allowed
        # every row predicts something: the least draw of a row counts even above the share
        least = np.where(allowed, draws, np.inf).argmin(axis=1)
        rows = np.flatnonzero(~chosen.any(axis=1) & allowed.any(axis=1))
        chosen[rows, least[rows]] = True
        if first is not None:
            chosen[rows] |= (first[rows] == first[rows, least[rows]][:, None]) & allowed[rows]
        how = generator.random(ids.shape)
        ids[torch.from_numpy(chosen & (how < MASKED))] = self._vocabulary.mask or 0
        random = chosen & (how >= MASKED) & (how < MASKED + RANDOM)
        ids[torch.from_numpy(random)] = torch.from_numpy(generator.integers(self._vocabulary.size, size=int(random.sum())))
        labels[torch.from_numpy(~chosen)] = IGNORED
        return Batch({"input_ids": ids, "attention_mask": mask}, labels)

    def _first_pieces(self, ids: NDArray[np.int64], allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """[B, S]: the position of the first piece of the word that each token belongs to."""
        assert self._word_starts is not None
        starts = np.ones(ids.shape, dtype=bool)
        for row, known, found in zip(ids, allowed, starts, strict=True):
            found[known] = self._word_starts(row[known])
        return np.stack([_first_of_each(row) for row in starts])


def _first_of_each(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The position of the beginning of each position's word; of a word that is too long, each position itself."""
    begins = np.flatnonzero(starts)
    lengths = np.diff(np.append(begins, len(starts)))
    first = np.repeat(begins, lengths)
    too_long = np.repeat(lengths > LONGEST_WORD, lengths)
    return np.where(too_long, np.arange(len(starts)), first)
