"""Span corruption (Raffel et al. 2020, section 3.1.4): the encoder reads text with spans cut out, the decoder writes them.

Each span is replaced by one sentinel. The target is each sentinel followed by its span, then the end token. transformers has no
collator for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.models.base import PairBatch
from pipeline.models.build import batch_type_of
from pipeline.models.collate import collate_pairs
from pipeline.recipe.training import Pretraining
from pipeline.training.batch_order import MASKS, EpochBatches, batches_of_similar_length, random_generator
from pipeline.training.packing import cut_documents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.models.base import Batch
    from pipeline.models.shape import Shape
    from pipeline.recipe.training import Training
    from pipeline.tokens.token_stream import TokenStream
    from pipeline.training.token_folder import TokenFolder

MIN_TOKENS = 8
"""Shorter pieces of text are dropped: they leave nothing to infer a span from."""

VALIDATION_PIECES = 512
"""Pieces of the validation split that a validation uses."""


class SpanCorruption:
    """Feed of an encoder-decoder in pretraining."""

    def __init__(self, tokens: TokenFolder, shape: Shape, params: Training) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the family is not an encoder-decoder, there are too few sentinels, or there is no text.
        """
        assert isinstance(params, Pretraining)
        if batch_type_of(shape.family) is not PairBatch:
            raise BadInput(
                f"objective span_corruption for family {shape.family!r}", "an encoder-decoder", "change model.family or the objective"
            )
        self._specials, self._params, self._context = tokens.specials, params, shape.context
        spans = _noise_and_spans(shape.context, params.corrupted, params.mean_span)[1]
        if spans > len(self._specials.sentinels):
            raise BadInput(f"{len(self._specials.sentinels)} sentinels", f"at least {spans}", "raise tokenizer.sentinels")
        self._train, self._validation = tokens.stream("stream-train"), tokens.stream("stream-validation")
        self._pieces = _cut(self._train, shape.context)
        lengths = self._pieces[:, 1] - self._pieces[:, 0]
        self._epochs = EpochBatches(lambda epoch: batches_of_similar_length(params.seed, epoch, lengths, params.batch))

    def batch(self, step: int) -> Batch:
        """Pieces of similar length; each step draws other spans."""
        chosen = self._pieces[self._epochs.batch(step)]
        return self._corrupt(self._train, chosen, random_generator(self._params.seed, MASKS, step))

    def validation(self) -> list[Batch]:
        """The first pieces of the validation split, with spans that stay the same."""
        pieces = _cut(self._validation, self._context)[:VALIDATION_PIECES]
        by_length = pieces[np.argsort(pieces[:, 1] - pieces[:, 0], kind="stable")]
        size = self._params.batch
        starts = range(0, len(by_length), size)
        return [self._corrupt(self._validation, by_length[start : start + size], random_generator(0, MASKS, start)) for start in starts]

    def _corrupt(self, stream: TokenStream, chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        sources, targets = [], []
        for first, last in chosen:
            source, target = corrupt(
                np.asarray(stream.ids[first:last], dtype=np.int64),
                _random_spans(int(last - first), self._params, generator),
                self._specials.sentinels,
                self._specials.eos,
            )
            sources.append(source)
            targets.append(target)
        return collate_pairs(sources, targets, self._specials.pad)


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


def _cut(stream: TokenStream, context: int) -> NDArray[np.int64]:
    pieces = cut_documents(np.asarray(stream.offsets), context, min_tokens=MIN_TOKENS)
    if not len(pieces):
        raise BadInput("no text to pretrain on", f"documents of at least {MIN_TOKENS} tokens", "check the data and its filter")
    return pieces
