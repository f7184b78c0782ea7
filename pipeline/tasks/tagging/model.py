"""A model that tags: its head, its feed, and its predictions."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.families.kinds import Head, Kind
from pipeline.metrics.base import Prediction
from pipeline.models.build import HeadSpec
from pipeline.tasks.parts import part
from pipeline.tasks.tagging.batch import tagged_batch
from pipeline.tasks.tagging.encode import NONE
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipeline.corpus.documents import Document
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.tagging.encode import Encode, Pieces
    from pipeline.tasks.tagging.feed import TaggingFeed
    from pipeline.tasks.tagging.section import Tagging
    from pipeline.training.base import FeedInputs

log = logging.getLogger(__name__)

OUTSIDE = "O"


class Tagger:
    """What training, evaluation and serving ask of tagging."""

    def __init__(self, task: Tagging) -> None:
        """Take the limit of the recipe."""
        self._task = task
        self._encode: Encode = part(task, "encode")

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:
        """A classifier of each position over the tags of the corpus.

        Raises:
            BadInput: the model is an encoder-decoder.
        """
        self._task.check_kind(kind)
        return HeadSpec(Head.TOKEN_CLASSIFICATION, labels)

    def feed(self, inputs: FeedInputs) -> TaggingFeed:
        """Batches of texts with tags."""
        from pipeline.tasks.tagging.feed import TaggingFeed  # a served model ships no training

        return TaggingFeed(inputs, self._task)

    @torch.inference_mode()
    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """The tag of each token and its probability.

        A token that was cut has probability 0. Its tag is ``O``, or the tag that the text has most often if the task has no ``O``.
        """
        encoder, labels = encoder_of(loaded), loaded.info.head.labels
        texts = self._encode.pieces(documents, encoder)
        order = sorted((index for index in range(len(texts)) if len(texts[index].ids)), key=lambda index: (len(texts[index].ids), index))
        predictions = [_prediction(one, torch.zeros(0, len(labels)), labels) for one in texts]
        nothing = np.array([], dtype=np.int64)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            ids, empty = [texts[index].ids for index in chosen], [nothing] * len(chosen)
            rows = tagged_batch(ids, empty, empty, encoder.vocabulary, loaded.model.kind)
            chances_BLK = loaded.model(rows.to(loaded.device)).logits.float().softmax(dim=-1).cpu()
            before = len(encoder.vocabulary.frame.prefix)
            for index, chances_LK in zip(chosen, chances_BLK, strict=True):
                predictions[index] = _prediction(texts[index], chances_LK[before:], labels)
            progress.beat()
            progress.report(len(documents) - len(order) + start + len(chosen))
        cut = sum(int((one.first == NONE).sum()) for one in texts)
        if cut:
            log.info("%d of %d tokens were cut and have no predicted tag", cut, sum(len(one.first) for one in texts))
        return predictions

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> None:
        """A tagger writes no text, so there is none to find probable."""


def _prediction(pieces: Pieces, chances_LK: Tensor, labels: Sequence[str]) -> Prediction:
    """The tags of one text from the probabilities at its pieces."""
    kept = pieces.first != NONE
    if not len(chances_LK):
        kept = np.zeros_like(kept)
    best, ids = chances_LK[torch.from_numpy(pieces.first[kept])].max(dim=-1) if kept.any() else (torch.zeros(0), torch.zeros(0))
    found = [labels[int(number)] for number in ids]
    other = OUTSIDE if OUTSIDE in labels or not found else Counter(found).most_common(1)[0][0]
    tags, numbers = np.full(len(kept), other, dtype=object), np.zeros(len(kept))
    tags[kept], numbers[kept] = found, best.tolist()
    return Prediction(list(tags), numbers=tuple(numbers.tolist()))
