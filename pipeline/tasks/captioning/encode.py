"""Images and captions as training reads them: pixels, and token ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.tasks.captioning.section import Captioning
    from pipeline.tokens.text_encoder import TextEncoder


class Encode:
    """An example is an image, and a caption that ends with the end token unless it was cut."""

    fields: Mapping[str, str] = {"image": "uint8", "target": ""}

    def __init__(self, task: Captioning) -> None:
        """Take the limit of the recipe."""
        self._longest = task.max_target_tokens

    def stream_texts(self, document: Document) -> list[str]:
        """The caption."""
        return [document.text]

    def all_texts(self, document: Document) -> list[str]:
        """The same: there is no other text."""
        return self.stream_texts(document)

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[np.integer]]]:
        """Encode documents; counts ``cut_targets_<split>``."""
        end = np.array([encoder.vocabulary.eos])
        for document, ids in zip(documents, encoder.encode([document.target or "" for document in documents]), strict=True):
            caption = np.concatenate([ids, end]).astype(np.int64)
            counts[f"cut_targets_{split}"] += len(caption) > self._longest
            yield {"image": np.frombuffer(document.image or b"", np.uint8), "target": caption[: self._longest]}
