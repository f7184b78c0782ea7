"""A model that gives vectors: its head, its feed, and its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.families.kinds import Head, Kind
from pipeline.metrics.ranking import choose
from pipeline.models.build import HeadSpec
from pipeline.tasks.embedding.vectors import text_tensors, text_vectors
from pipeline.tasks.parts import part
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Prediction
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.embedding.encode import Encode
    from pipeline.tasks.embedding.feed import EmbeddingFeed
    from pipeline.tasks.embedding.section import Embedding
    from pipeline.training.base import FeedInputs


class Embedder:
    """What training, evaluation and serving ask of embedding."""

    def __init__(self, task: Embedding) -> None:
        """Take the limit and the temperature of the recipe."""
        self._task = task
        self._encode: Encode = part(task, "encode")

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:  # noqa: ARG002 - a TrainedTask's signature
        """None: vectors are pooled from the states.

        Raises:
            BadInput: the model is an encoder-decoder.
        """
        self._task.check_kind(kind)
        return HeadSpec(Head.NONE)

    def feed(self, inputs: FeedInputs) -> EmbeddingFeed:
        """Batches of pairs."""
        from pipeline.tasks.embedding.feed import EmbeddingFeed  # a served model ships no training

        return EmbeddingFeed(inputs, self._task)

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """The vector of each text; where documents have second texts, also the nearest of all these, and how near the best are.

        So an evaluation chooses among the second texts of all examples that it scores, those of both test splits.
        """
        candidates = list(dict.fromkeys(document.pair for document in documents if document.pair is not None))
        both = self.vectors(loaded, [*(document.text for document in documents), *candidates], batch, progress)
        texts, wanted = both[: len(documents)], both[len(documents) :]
        found = [choose(candidates, wanted @ vector)._replace(numbers=tuple(vector.tolist())) for vector in texts]
        progress.report(len(documents))
        return found

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> None:
        """A vector is no text, so there is none to find probable."""

    @torch.inference_mode()
    def vectors(self, loaded: Loaded, texts: Sequence[str], batch: int, progress: Progress) -> NDArray[np.float32]:
        """The vector of each text, of length 1: shape [texts, D].

        Args:
            loaded: the model.
            texts: what to read.
            batch: texts read at once.
            progress: gets a heartbeat for each batch.
        """
        encoder = encoder_of(loaded)
        encoded = [ids for ids, _ in self._encode.texts(texts, encoder)]
        order = sorted(range(len(encoded)), key=lambda index: (len(encoded[index]), index))
        vectors = np.zeros((len(encoded), loaded.model.core.config.hidden_size), dtype=np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            inputs = text_tensors([encoded[index] for index in chosen], encoder.vocabulary, loaded.model.kind)
            on_device = {name: tensor.to(loaded.device) for name, tensor in inputs.items()}
            vectors[chosen] = text_vectors(loaded.model, on_device).cpu().numpy()
            progress.beat()
        return vectors
