"""One text or two, and a label, as token ids and numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.tokens.prompt import source_text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.families.vocabulary import Frame
    from pipeline.tasks.classification.section import Classification
    from pipeline.tokens.text_encoder import TextEncoder

NOTHING: NDArray[np.int64] = np.array([], dtype=np.int64)
Texts = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


class Encode:
    """An example is a first text, a second one (empty without a pair), and its answer: ids of classes, or a number."""

    def __init__(self, task: Classification) -> None:
        """Take the limit and the kind of answer of the recipe."""
        self._task = task
        self.fields: Mapping[str, str] = {"first": "", "second": "", "answer": "float32" if task.answer == "number" else "int32"}

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads all texts."""
        return [source_text(document.name, document.text), *([document.pair] if document.pair else [])]

    def all_texts(self, document: Document) -> list[str]:
        """The same: labels are no text."""
        return self.stream_texts(document)

    def texts(self, documents: Sequence[Document], encoder: TextEncoder) -> list[tuple[Texts, bool]]:
        """Token ids of the one or two texts of each document, cut to the limit, and whether something was cut."""
        first = encoder.encode([source_text(document.name, document.text) for document in documents])
        pairs = [document.pair or "" for document in documents]
        second = encoder.encode(pairs) if any(pairs) else [NOTHING] * len(pairs)
        return [self._cut(one, other, encoder.vocabulary.frame) for one, other in zip(first, second, strict=True)]

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Encode labelled documents; counts ``cut_inputs_<split>``, and labels that training does not have."""
        ids = {label: number for number, label in enumerate(encoder.labels)}
        for document, ((first, second), cut) in zip(documents, self.texts(documents, encoder), strict=True):
            answer = self._answer(document.target or "", ids)
            if answer is None:
                counts[f"unknown_labels_{split}"] += 1
                continue
            counts[f"cut_inputs_{split}"] += cut
            yield {"first": first, "second": second, "answer": answer}

    def _answer(self, target: str, ids: Mapping[str, int]) -> NDArray[Any] | None:
        """The numbers of an answer; None for a class that training does not have."""
        if self._task.answer == "number":
            return np.array([float(target)], dtype=np.float32)
        names = json.loads(target) if self._task.answer == "labels" else [target]
        return np.array([ids[name] for name in names], dtype=np.int32) if all(name in ids for name in names) else None

    def _cut(self, first: NDArray[np.int64], second: NDArray[np.int64], frame: Frame) -> tuple[Texts, bool]:
        """Cut to the limit; of two texts the longer one first."""
        special = len(frame.prefix) + (len(frame.middle) + len(frame.pair_suffix) if len(second) else len(frame.suffix))
        room = self._task.max_tokens - special
        if len(first) + len(second) <= room:
            return (first, second), False
        shorter = min(len(first), len(second), room // 2)
        longer = room - shorter
        lengths = (longer, shorter) if len(first) >= len(second) else (shorter, longer)
        return (first[: lengths[0]], second[: lengths[1]]), True
