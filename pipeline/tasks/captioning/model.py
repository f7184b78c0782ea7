"""A model that writes captions: its head, its feed, and its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.families.kinds import LANGUAGE_HEAD, Kind
from pipeline.metrics.base import Likelihood, Prediction
from pipeline.models.build import HeadSpec
from pipeline.models.caption import caption_likelihoods, write_captions
from pipeline.tasks.written.generation import CHUNK, generation_arguments
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.captioning.feed import CaptionFeed
    from pipeline.tasks.captioning.section import Captioning
    from pipeline.training.base import FeedInputs


class CaptioningModel:
    """What training, evaluation and serving ask of captioning."""

    def __init__(self, task: Captioning) -> None:
        """Take size, limit and generation settings of the recipe."""
        self._task = task

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:  # noqa: ARG002 - a TrainedTask's signature
        """The head that predicts tokens.

        Raises:
            BadInput: the model reads no images.
        """
        self._task.check_kind(kind)
        return HeadSpec(LANGUAGE_HEAD[kind], image_size=self._task.image_size)

    def feed(self, inputs: FeedInputs) -> CaptionFeed:
        """Batches of images and captions."""
        from pipeline.tasks.captioning.feed import CaptionFeed  # a served model ships no training

        return CaptionFeed(inputs, self._task)

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """Write a caption for each image; none for a request without one."""
        asked = [place for place, document in enumerate(documents) if document.image]
        captions, settings = [""] * len(documents), generation_arguments(self._task.generation)
        for start in range(0, len(asked), CHUNK * batch):
            places = asked[start : start + CHUNK * batch]
            images = [_pixels(documents[place]) for place in places]
            written = write_captions(loaded, images, self._task.max_target_tokens, settings, batch, progress.beat)
            for place, ids in zip(places, written, strict=True):
                captions[place] = loaded.tokenizer.decode(ids, skip_special_tokens=True).strip()
            progress.report(start + len(places))
        return [Prediction(caption) for caption in captions]

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Likelihood]:
        """How probable the model finds the caption of each image, the end token included; only its context cuts it."""
        encoder = encoder_of(loaded)
        texts = [document.target or "" for document in documents]
        answers, sizes = [], []
        for text, ids in zip(texts, encoder.encode(texts), strict=True):
            whole = [*ids.tolist(), encoder.vocabulary.eos]
            kept = whole[: loaded.info.context]
            answers.append(kept)
            sizes.append(len((text if len(kept) == len(whole) else loaded.tokenizer.decode(kept)).encode()))
        nats: list[float] = []
        for start in range(0, len(documents), CHUNK * batch):
            chunk = slice(start, start + CHUNK * batch)
            nats += caption_likelihoods(loaded, [_pixels(document) for document in documents[chunk]], answers[chunk], batch, progress.beat)
            progress.report(len(nats))
        return [Likelihood(found, len(answer), size) for found, answer, size in zip(nats, answers, sizes, strict=True)]


def _pixels(document: Document) -> NDArray[np.uint8]:
    """RGB of a document's image, row by row."""
    return np.frombuffer(document.image or b"", np.uint8)
