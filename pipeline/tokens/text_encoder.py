"""What a task encodes with, and what tokenization asks of a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.families.vocabulary import Vocabulary
    from pipeline.models.files import Loaded


@dataclass(frozen=True)
class TextEncoder:
    """A tokenizer that gives the ids of plain content, without special tokens."""

    folder: Path
    """The tokenizer's folder, for a task that needs its chat template."""

    vocabulary: Vocabulary
    encode: Callable[[Sequence[str]], list[NDArray[np.int64]]]
    labels: tuple[str, ...] = ()
    """The classes of the corpus, in the order of their ids."""


class ExampleEncoder(Protocol):
    """What tokenization asks of a task."""

    fields: Mapping[str, str]
    """Field of an example → type of its elements; an empty type means token ids."""

    def stream_texts(self, document: Document) -> list[str]:
        """The texts of a document that training without labels reads."""

    def all_texts(self, document: Document) -> list[str]:
        """All texts of a document, for a tokenizer that is trained on them."""

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Encode documents that have a target.

        Args:
            documents: what to encode.
            encoder: the tokenizer.
            counts: gets what was cut, under names that end in ``_<split>``.
            split: ``train`` or ``validation``.

        Returns:
            The fields of each example.
        """


def encoder_of(loaded: Loaded) -> TextEncoder:
    """The encoder of a loaded model: the same ids as in its training."""

    def encode(texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return [np.asarray(row.ids, dtype=np.int64) for row in loaded.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return TextEncoder(loaded.folder, loaded.info.vocabulary, encode, loaded.info.head.labels)
