"""Masked language modelling (Devlin et al. 2019, BERT, section 3.1): some tokens are hidden, and the model names them.

Of the chosen tokens 80 % become the mask token, 10 % a random token, 10 % stay. The choice differs at every step (Liu et al. 2019,
RoBERTa, section 4.1); it is a pure function of seed and step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.collate import pad
from pipeline.models.losses import token_losses
from pipeline.recipe.training import Pretraining
from pipeline.training.objectives.pieces import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.text_model import TextModel
    from pipeline.training.base import FeedInputs

MASKED, RANDOM = 0.8, 0.1
"""Shares of the chosen tokens that become the mask token, and a random one."""


class MaskedLm(Pieces):
    """Feed of an encoder in pretraining."""

    def __init__(self, inputs: FeedInputs) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the model is not an encoder, the tokenizer has no mask token, or there is no text.
        """
        assert isinstance(inputs.params, Pretraining)
        if inputs.model.kind is not Kind.ENCODER:
            raise BadInput(f"objective masked_lm for {inputs.model.kind.phrase}", "an encoder", "change model.family or the objective")
        self._vocabulary, self._share = inputs.tokens.vocabulary, inputs.params.corrupted
        if self._vocabulary.mask is None:
            raise BadInput("the tokenizer has no mask token", "one for objective masked_lm", "choose another tokenizer")
        super().__init__(inputs, self._mask_pieces)

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each hidden token."""
        return token_losses(model, batch)

    def _mask_pieces(self, pieces: list[NDArray[np.int64]], generator: np.random.Generator) -> Batch:
        ids, mask = pad(pieces, self._vocabulary.pad)
        labels = ids.clone()
        allowed = mask.bool().numpy() & ~np.isin(ids.numpy(), self._vocabulary.special)
        draws = generator.random(ids.shape)
        chosen = (draws < self._share) & allowed
        # every row predicts something: the least draw of a row counts even above the share
        least = np.where(allowed, draws, np.inf).argmin(axis=1)
        rows = np.flatnonzero(~chosen.any(axis=1) & allowed.any(axis=1))
        chosen[rows, least[rows]] = True
        how = generator.random(ids.shape)
        ids[torch.from_numpy(chosen & (how < MASKED))] = self._vocabulary.mask or 0
        random = chosen & (how >= MASKED) & (how < MASKED + RANDOM)
        ids[torch.from_numpy(random)] = torch.from_numpy(generator.integers(self._vocabulary.size, size=int(random.sum())))
        labels[torch.from_numpy(~chosen)] = IGNORED
        return Batch({"input_ids": ids, "attention_mask": mask}, labels)
