"""Summarization: write the target of each pair, given its source.

An encoder-decoder reads the source and writes the target. A decoder writes the target as the continuation of ``source <sep>``.
Examples of similar length share a batch, and the loss covers target tokens only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.models.base import PackedBatch
from pipeline.models.build import batch_type_of
from pipeline.models.collate import collate_pairs, collate_rows, round_up, target_after_source
from pipeline.training.batch_order import EpochBatches, batches_of_similar_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.models.base import Batch
    from pipeline.models.shape import Shape
    from pipeline.recipe.training import Training
    from pipeline.tokens.token_stream import TokenStream
    from pipeline.training.token_folder import TokenFolder

VALIDATION_EXAMPLES = 640
"""Examples of the validation split that a validation uses: ±2 % of the loss, in a second or two."""


class Summarization:
    """Feed of either family in fine-tuning."""

    def __init__(self, tokens: TokenFolder, shape: Shape, params: Training) -> None:
        """Open the pairs.

        Raises:
            BadInput: there are no pairs, or an example does not fit into a decoder's context.
        """
        self._decoder = batch_type_of(shape.family) is PackedBatch
        needed = tokens.max_source_tokens + 1 + tokens.max_target_tokens
        if self._decoder and needed > shape.context:
            raise BadInput(
                f"model.context {shape.context}",
                f"at least {needed}: source, separator and target",
                "raise it or lower tokenizer.max_source_tokens",
            )
        self._specials, self._params = tokens.specials, params
        self._train, self._validation = _Pairs(tokens, "train"), _Pairs(tokens, "validation")
        lengths = self._train.lengths
        self._epochs = EpochBatches(lambda epoch: batches_of_similar_length(params.seed, epoch, lengths, params.batch))

    def batch(self, step: int) -> Batch:
        """Examples of similar length."""
        return self._collate(self._train, self._epochs.batch(step))

    def validation(self) -> list[Batch]:
        """The first examples of the validation split, by length."""
        lengths = self._validation.lengths[:VALIDATION_EXAMPLES]
        order = np.argsort(lengths, kind="stable")
        size = self._params.batch
        return [self._collate(self._validation, order[start : start + size]) for start in range(0, len(order), size)]

    def _collate(self, pairs: _Pairs, chosen: NDArray[np.int64]) -> Batch:
        sources, targets = [pairs.source[int(i)] for i in chosen], [pairs.target[int(i)] for i in chosen]
        if not self._decoder:
            return collate_pairs(sources, targets, self._specials.pad)
        rows = [[target_after_source(source, target, self._specials)] for source, target in zip(sources, targets, strict=True)]
        return collate_rows(rows, round_up(max(len(row[0]) for row in rows)), self._specials.pad)


class _Pairs:
    """Sources and targets of one split, example by example."""

    def __init__(self, tokens: TokenFolder, split: str) -> None:
        self.source: TokenStream = tokens.stream(f"pairs-{split}-source")
        self.target: TokenStream = tokens.stream(f"pairs-{split}-target")
        if not len(self.source):
            raise BadInput(f"no pairs in the {split} split", "documents with a target", "name source.columns.target, or check the filter")
        sizes: list[NDArray[np.int64]] = [np.diff(np.asarray(stream.offsets)) for stream in (self.source, self.target)]
        self.lengths = sizes[0] + sizes[1]
