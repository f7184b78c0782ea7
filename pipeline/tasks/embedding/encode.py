"""Pairs of texts as token ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.tasks.embedding.section import Embedding
    from pipeline.tokens.text_encoder import TextEncoder


class Encode:
    """An example is two texts, each cut to the limit. Names are not read: a vector is that of a text alone."""

    fields: Mapping[str, str] = {"first": "", "second": ""}

    def __init__(self, task: Embedding) -> None:
        """Take the limit of the recipe."""
        self._task = task

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads both texts."""
        return [document.text, *([document.pair] if document.pair else [])]

    def all_texts(self, document: Document) -> list[str]:
        """The same."""
        return self.stream_texts(document)

    def texts(self, texts: Sequence[str], encoder: TextEncoder) -> list[tuple[NDArray[np.int64], bool]]:
        """Token ids of each text, cut to the limit less the special tokens, and whether something was cut."""
        frame = encoder.vocabulary.frame
        room = self._task.max_tokens - len(frame.prefix) - max(1, len(frame.suffix))
        return [(ids[:room], len(ids) > room) for ids in encoder.encode(texts)]

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[np.int64]]]:
        """Encode pairs; counts ``cut_inputs_<split>``, the pairs of which a text was cut."""
        first = self.texts([document.text for document in documents], encoder)
        second = self.texts([document.pair or "" for document in documents], encoder)
        for (one, cut), (other, other_cut) in zip(first, second, strict=True):
            counts[f"cut_inputs_{split}"] += cut or other_cut
            yield {"first": one, "second": other}
