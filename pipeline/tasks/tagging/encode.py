"""Tokens of a text as pieces of the tokenizer, and the tag of each token at its first piece."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tasks.tagging.tokens import split_tokens

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from pipeline.corpus.documents import Document
    from pipeline.tasks.tagging.section import Tagging
    from pipeline.tokens.text_encoder import TextEncoder

NONE = -1
"""Place of a token without a piece: it was cut, or the tokenizer drops its characters."""


class Pieces(NamedTuple):
    """A text as pieces, cut to the limit."""

    ids: NDArray[np.int64]
    """[pieces]"""

    first: NDArray[np.int64]
    """[tokens]: the place of the first piece of each token, or `NONE`."""


class Encode:
    """An example is the pieces of a text, and the places and tags of its tokens.

    The first piece of a token carries its tag; the others predict nothing. The text is encoded as a whole, as in pretraining, and
    offsets say which token a piece belongs to: the one that holds its first character that is no blank.
    """

    fields: Mapping[str, str] = {"text": "", "places": "int32", "tags": "int32"}

    def __init__(self, task: Tagging) -> None:
        """Take the limit of the recipe."""
        self._task = task
        self._tokenizers: dict[Path, Tokenizer] = {}

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads the text."""
        return [document.text]

    def all_texts(self, document: Document) -> list[str]:
        """The same: tags are no text."""
        return self.stream_texts(document)

    def pieces(self, documents: Sequence[Document], encoder: TextEncoder) -> list[Pieces]:
        """The pieces of each text, cut to the limit less the special tokens."""
        room = self._task.max_tokens - len(encoder.vocabulary.frame.prefix) - len(encoder.vocabulary.frame.suffix)
        encoded = self._tokenizer(encoder.folder).encode_batch([document.text for document in documents], add_special_tokens=False)
        return [
            Pieces(np.array(row.ids[:room], dtype=np.int64), first_pieces(document.text, row.offsets[:room]))
            for document, row in zip(documents, encoded, strict=True)
        ]

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Encode tagged documents; counts ``cut_tokens_<split>``, and documents with tags that training does not have."""
        ids = {label: number for number, label in enumerate(encoder.labels)}
        for document, pieces in zip(documents, self.pieces(documents, encoder), strict=True):
            tags = json.loads(document.target or "[]")
            if not all(tag in ids for tag in tags):
                counts[f"unknown_labels_{split}"] += 1
                continue
            kept = pieces.first != NONE
            counts[f"cut_tokens_{split}"] += int((~kept).sum())
            if kept.any():
                numbers = np.array([ids[tag] for tag in tags], dtype=np.int32)
                yield {"text": pieces.ids, "places": pieces.first[kept].astype(np.int32), "tags": numbers[kept]}

    def _tokenizer(self, folder: Path) -> Tokenizer:
        """The tokenizer itself: the encoder of a task gives no offsets."""
        if folder not in self._tokenizers:
            self._tokenizers[folder] = load_content_tokenizer(folder)
        return self._tokenizers[folder]


def first_pieces(text: str, offsets: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """The first piece of each token of a text, from the first and one-past-last character of each piece."""
    tokens = split_tokens(text) if text else []
    first = np.full(len(tokens), NONE, dtype=np.int64)
    owner = np.repeat(np.arange(len(tokens)), [len(token) + 1 for token in tokens])
    for place, (begin, end) in enumerate(offsets):
        start = next((position for position in range(begin, end) if text[position] != " "), None)
        if start is not None and first[owner[start]] == NONE:
            first[owner[start]] = place
    return first
