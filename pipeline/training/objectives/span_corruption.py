"""Span corruption (Raffel et al. 2020, section 3.1.4): the encoder reads text with spans cut out, the decoder writes them.

Each span is replaced by one sentinel. The target is each sentinel followed by its span, then the end token. transformers has no
collator for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.collate import collate_seq2seq
from pipeline.models.losses import token_losses
from pipeline.recipe.training import Pretraining
from pipeline.training.objectives.pieces import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.training.base import FeedInputs


class SpanCorruption(Pieces):
    """Feed of an encoder-decoder in pretraining."""

    def __init__(self, inputs: FeedInputs) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the model is not an encoder-decoder, there are too few sentinels, or there is no text.
        """
        assert isinstance(inputs.params, Pretraining)
        if inputs.model.kind is not Kind.ENCODER_DECODER:
            raise BadInput(
                f"objective span_corruption for {inputs.model.kind.phrase}", "an encoder-decoder", "change model.family or the objective"
            )
        self._model, self._vocabulary, self._noise = inputs.model, inputs.tokens.vocabulary, inputs.params
        spans = _noise_and_spans(inputs.context, inputs.params.corrupted, inputs.params.mean_span)[1]
        if spans > len(self._vocabulary.sentinels):
            raise BadInput(f"{len(self._vocabulary.sentinels)} sentinels", f"at least {spans}", "raise tokenizer.sentinels")
        super().__init__(inputs, self._corrupt_pieces)

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each token of the masked spans."""
        return token_losses(model, batch)

    def _corrupt_pieces(self, pieces: list[NDArray[np.int64]], generator: np.random.Generator) -> Batch:
        sources, targets = [], []
        for piece in pieces:
            spans = _random_spans(len(piece), self._noise, generator)
            source, target = corrupt(piece, spans, self._vocabulary.sentinels, self._vocabulary.eos)
            sources.append(source)
            targets.append(target)
        return collate_seq2seq(self._model, sources, targets, self._vocabulary)


def corrupt(
    ids: NDArray[np.int64], spans: list[tuple[int, int]], sentinels: tuple[int, ...], eos: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut spans out of a text.

    Args:
        ids: the text.
        spans: first and one-past-last position of each span, ascending, not touching.
        sentinels: ids that stand for the spans, in order.
        eos: the end token.

    Returns:
        What the encoder reads, and what the decoder writes.
    """
    source, target, position = [], [], 0
    for (first, last), sentinel in zip(spans, sentinels, strict=False):
        mark = np.array([sentinel])
        source += [ids[position:first], mark]
        target += [mark, ids[first:last]]
        position = last
    return np.concatenate([*source, ids[position:]]), np.concatenate([*target, [eos]])


def _noise_and_spans(length: int, corrupted: float, mean_span: float) -> tuple[int, int]:
    """Number of tokens to cut out of a text of ``length``, and number of spans."""
    noise = min(max(round(length * corrupted), 1), length - 1)
    return noise, max(1, min(round(noise / mean_span), length - noise))


def _random_spans(length: int, params: Pretraining, generator: np.random.Generator) -> list[tuple[int, int]]:
    """Random spans: noise and text are each divided into as many parts, which then alternate, text first."""
    noise, number = _noise_and_spans(length, params.corrupted, params.mean_span)
    kept, cut = _divide(length - noise, number, generator), _divide(noise, number, generator)
    ends = np.cumsum(np.stack([kept, cut], axis=1).ravel())
    return [(int(first), int(last)) for first, last in ends.reshape(-1, 2)]


def _divide(total: int, parts: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Divide ``total`` into ``parts`` numbers of at least one, uniformly among all divisions."""
    cuts = np.sort(generator.choice(total - 1, parts - 1, replace=False)) + 1 if parts > 1 else np.array([], dtype=np.int64)
    return np.diff(np.concatenate([[0], cuts, [total]]))
