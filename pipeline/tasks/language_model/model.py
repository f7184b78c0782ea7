"""A language model: continuations, and the likelihood of texts."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.metrics.base import Likelihood, Prediction
from pipeline.models.collate import collate_rows, round_up, text_document
from pipeline.models.losses import token_losses
from pipeline.tasks.language_model.windows import beginning, framed_text, windows
from pipeline.tasks.written.generation import write_texts
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.language_model.section import LanguageModel as Section


class LanguageModel:
    """What evaluation and serving ask of a language model; it is never fine-tuned."""

    def __init__(self, task: Section) -> None:
        """Take limit and generation settings of the recipe."""
        self._task = task

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """The continuation of each text, and its bits per byte. An empty text has neither.

        A text that leaves no room for a continuation loses its beginning.
        """
        vocabulary, most = loaded.info.vocabulary, self._task.max_new_tokens
        first, room = beginning(vocabulary), max(1, loaded.info.context - most)
        encoded = _encode(loaded, documents)
        prompts = [[*first, *ids.tolist()][-room:] if len(ids) else [] for ids in encoded]
        # writing takes longer, so its progress is that of the whole
        found = _measure(loaded, documents, encoded, batch, lambda _: progress.beat())
        texts = write_texts(loaded, prompts, most, self._task.generation, batch, progress)
        return [
            Prediction(text, numbers=(one.nats / log(2) / one.bytes,) if one.bytes else None)
            for text, one in zip(texts, found, strict=True)
        ]

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Likelihood]:
        """How probable the model finds each text, its end token included. Texts longer than the context are read in parts."""

        def report(done: int) -> None:
            progress.beat()
            progress.report(done)

        return _measure(loaded, documents, _encode(loaded, documents), batch, report)


def _encode(loaded: Loaded, documents: Sequence[Document]) -> list[NDArray[np.int64]]:
    """Token ids of the texts."""
    return encoder_of(loaded).encode([document.text for document in documents])


@torch.inference_mode()
def _measure(
    loaded: Loaded, documents: Sequence[Document], encoded: Sequence[NDArray[np.int64]], batch: int, report: Callable[[int], None]
) -> list[Likelihood]:
    """The likelihood of each text from its token ids; ``report`` gets the number of documents measured after each batch."""
    vocabulary = loaded.info.vocabulary
    parts = [(index, part) for index, ids in enumerate(encoded) for part in windows(framed_text(ids, vocabulary), loaded.info.context)]
    parts.sort(key=lambda one: (len(one[1]), one[0]))
    nats, tokens = np.zeros(len(documents)), np.zeros(len(documents), dtype=np.int64)
    for start in range(0, len(parts), batch):
        chosen = parts[start : start + batch]
        rows = [[text_document(part)] for _, part in chosen]
        sizes = [len(row[0]) for row in rows]
        batched = collate_rows(rows, round_up(max(sizes)), vocabulary.pad)
        each_N = token_losses(loaded.model, batched.to(loaded.device)).double().cpu().numpy()
        for (index, _), size, losses in zip(chosen, sizes, np.split(each_N, np.cumsum(sizes)[:-1]), strict=True):
            nats[index] += float(losses.sum())
            tokens[index] += size
        report(len(documents) * min(start + batch, len(parts)) // len(parts))
    sizes = [len(document.text.encode()) for document in documents]
    return [Likelihood(float(one), int(count), size) for one, count, size in zip(nats, tokens, sizes, strict=True)]
