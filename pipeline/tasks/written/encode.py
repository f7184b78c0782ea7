"""Sources and targets as token ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.tokens.prompt import source_text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.tasks.section import WrittenAnswer
    from pipeline.tokens.text_encoder import TextEncoder


class Encode:
    """An example is a source, and a target that ends with the end token unless it was cut."""

    fields: Mapping[str, str] = {"source": "", "target": ""}

    def __init__(self, task: WrittenAnswer) -> None:
        """Take the limits of the recipe."""
        self._task = task

    def source(self, document: Document) -> str:
        """What the model reads."""
        return source_text(document.name, document.text)

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads the sources."""
        return [self.source(document)]

    def all_texts(self, document: Document) -> list[str]:
        """Source and target: a tokenizer must know both."""
        return [self.source(document), *([document.target] if document.target else [])]

    def first(self, document: Document, encoder: TextEncoder) -> list[int]:  # noqa: ARG002 - a task may look up tokens
        """Tokens that the source of a document begins with."""
        return []

    def begin(self, document: Document, encoder: TextEncoder) -> list[int]:  # noqa: ARG002 - a task may look up tokens
        """Tokens that the answer to a document begins with: ``task.given_tokens`` many, which the model is given."""
        return []

    def sources(self, documents: Sequence[Document], encoder: TextEncoder) -> list[NDArray[np.int64]]:
        """Token ids of each source, cut to the recipe's limit."""
        return [ids[: self._task.max_source_tokens] for ids in self._whole(documents, encoder)]

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[np.int64]]]:
        """Encode documents that have a target; counts ``cut_sources_<split>`` and ``cut_targets_<split>``."""
        sources = self._whole(documents, encoder)
        targets = encoder.encode([document.target or "" for document in documents])
        end, most, longest = np.array([encoder.vocabulary.eos]), self._task.max_source_tokens, self._task.max_target_tokens
        for document, source, target in zip(documents, sources, targets, strict=True):
            answer = np.concatenate([self.begin(document, encoder), target, end]).astype(np.int64)
            counts[f"cut_sources_{split}"] += len(source) > most
            counts[f"cut_targets_{split}"] += len(answer) > longest
            yield {"source": source[:most], "target": answer[:longest]}

    def _whole(self, documents: Sequence[Document], encoder: TextEncoder) -> list[NDArray[np.int64]]:
        """Token ids of each source; none for an empty one."""
        encoded = encoder.encode([self.source(document) for document in documents])
        return [
            np.concatenate([self.first(document, encoder), ids]).astype(np.int64) if len(ids) else ids
            for document, ids in zip(documents, encoded, strict=True)
        ]
