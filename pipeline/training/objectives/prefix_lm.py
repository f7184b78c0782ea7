"""Prefix language modelling for encoder-decoders: the encoder reads the first part of a text, the decoder writes the rest.

It is the "prefix language modeling" of Raffel et al. 2020 (T5, section 3.3.1; Liu et al. 2018) and the S-denoiser of Tay et al. 2023
(UL2, section 3.1). As in T5's own code the length of the first part is drawn uniformly. Span corruption asks for single words in
their place; this asks for whole continuations, as summaries and translations are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.collate import collate_seq2seq
from pipeline.models.losses import token_losses
from pipeline.training.objectives.pieces import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.training.base import FeedInputs


class PrefixLm(Pieces):
    """Feed of an encoder-decoder in pretraining."""

    def __init__(self, inputs: FeedInputs) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the model is not an encoder-decoder, or there is no text.
        """
        if inputs.model.kind is not Kind.ENCODER_DECODER:
            raise BadInput(
                f"objective prefix_lm for {inputs.model.kind.phrase}", "an encoder-decoder", "change model.family or the objective"
            )
        self._model, self._vocabulary, self._context = inputs.model, inputs.tokens.vocabulary, inputs.context
        super().__init__(inputs, self._divide_pieces)

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each token of the second parts."""
        return token_losses(model, batch)

    def _divide_pieces(self, pieces: list[NDArray[np.int64]], generator: np.random.Generator) -> Batch:
        suffix = self._vocabulary.frame.suffix
        room = self._context - len(suffix)
        divided = [divide(piece, int(generator.integers(1, min(len(piece) - 1, room), endpoint=True)), suffix) for piece in pieces]
        return collate_seq2seq(self._model, [source for source, _ in divided], [target for _, target in divided], self._vocabulary)


def divide(ids: NDArray[np.int64], place: int, suffix: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide a text.

    Args:
        ids: the text, as its stream holds it: the last piece of a document ends with the end token, others end where they were cut.
        place: tokens of the first part.
        suffix: what the tokenizer puts at the end of a text. The source of an example ends with it, so the first part does too.

    Returns:
        What the encoder reads, and what the decoder writes.
    """
    return np.concatenate([ids[:place], np.asarray(suffix, dtype=np.int64)]), ids[place:]
