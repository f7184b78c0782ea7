"""Encoding word by word, each word once.

Texts repeat their words: 64 MB of Python source have 15 million words, of which 150,000 differ. So numpy cuts texts into words, Arrow numbers the words,
only new ones reach the encoder, and numpy puts their ids together.
"""

from __future__ import annotations

from itertools import chain, compress, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.tokens.word_cuts import find_cuts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

BLOCK = 1 << 21
"""Bytes of text that are cut at once. In larger blocks fewer words are looked up twice; smaller ones take less memory."""
SPARSE = 32
"""A text outside of ASCII with less than one space for so many characters is encoded as a whole: its parts would be long, and rarely repeat."""
KNOWN_WORDS, KNOWN_BYTES = 1 << 19, 32 << 20
"""With more words, or more bytes of words, all are forgotten. So many words take 120 MB."""


class WordEncoder:
    """Encodes texts; for an encoder that finds words as `pipeline.tokens.word_cuts` says, and encodes each by itself."""

    def __init__(self, encode: Callable[[str], Sequence[int]], encode_whole: Callable[[str], NDArray[np.integer]]) -> None:
        """No word is known yet.

        Args:
            encode: gives the ids of some words together.
            encode_whole: gives the same ids, of a long text faster.
        """
        self._encode, self._encode_whole = encode, encode_whole
        self._known = _KnownWords()

    def __call__(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The ids of each text: shape [tokens]."""
        by_words = [text.isascii() or text.count(" ") * SPARSE >= len(text) for text in texts]
        found = iter(self._by_words(list(compress(texts, by_words))))
        return [next(found) if words else self._encode_whole(text).astype(np.int64) for text, words in zip(texts, by_words, strict=True)]

    def _by_words(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        pieces, token_ends, done, tokens = [np.empty(0, dtype=np.int64)], np.zeros(len(texts), dtype=np.int64), 0, 0
        for start, cuts, block in _blocks(b"".join(encoded), ends):
            ids, word_ends = self._ids(cuts, block)
            own = ends[done : np.searchsorted(ends, start + cuts[-1], side="right")]
            token_ends[done : done + len(own)] = tokens + word_ends[np.searchsorted(cuts, own - start)]
            pieces.append(ids)
            done, tokens = done + len(own), tokens + len(ids)
        joined = np.concatenate(pieces)
        return [joined[start:end] for start, end in pairwise([0, *token_ends.tolist()])]

    def _ids(self, cuts: NDArray[np.int64], block: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids of a block, and where each word ends among them, with 0 before the first: shapes [tokens], [words + 1]."""
        words = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(cuts) - 1, [None, pa.py_buffer(cuts), pa.py_buffer(block)])
        numbered = words.dictionary_encode()
        known = self._known = self._known if self._known.has_room() else _KnownWords()
        numbers = known.numbers(numbered.dictionary.to_pylist(), self._encode)[numbered.indices.to_numpy()]
        lengths = known.lengths[numbers]
        word_ends = np.zeros(len(cuts), dtype=np.int64)
        np.cumsum(lengths, out=word_ends[1:])
        places = np.repeat(known.starts[numbers] - word_ends[:-1], lengths)
        places += np.arange(len(places))
        return known.ids[places], word_ends


class _KnownWords:
    """Words by number, and the ids of all of them in one array."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._bytes = 0
        self.ids, self.starts, self.lengths = (np.empty(0, dtype=np.int64) for _ in range(3))

    def has_room(self) -> bool:
        """Whether more words may be added."""
        return len(self._numbers) < KNOWN_WORDS and self._bytes < KNOWN_BYTES

    def numbers(self, words: Sequence[bytes], encode: Callable[[str], Sequence[int]]) -> NDArray[np.int64]:
        """The number of each word; new words are encoded."""
        new = [word for word in words if word not in self._numbers]
        self._numbers.update(zip(new, range(len(self._numbers), len(self._numbers) + len(new)), strict=True))
        self._bytes += sum(map(len, new))
        found = [encode(word.decode()) for word in new]
        lengths = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        self.lengths = np.concatenate([self.lengths, lengths])
        self.starts = np.concatenate([self.starts, len(self.ids) + np.cumsum(lengths) - lengths])
        self.ids = np.concatenate([self.ids, np.fromiter(chain.from_iterable(found), dtype=np.int64, count=int(lengths.sum()))])
        return np.fromiter(map(self._numbers.__getitem__, words), dtype=np.int64, count=len(words))


def _blocks(text: bytes, ends: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.uint8]]]:
    """Some of the text at a time: where it begins, where it may be cut, and its bytes."""
    data = np.frombuffer(text, dtype=np.uint8)
    start, size = 0, BLOCK
    while start < len(data):
        block = data[start : start + size]
        own = ends[(ends >= start) & (ends <= start + len(block))] - start
        cuts = find_cuts(block, own)
        if start + len(block) < len(data):
            # the last word may go on in the next block
            cuts = cuts[cuts < len(block)]
        if len(cuts) == 1:
            size *= 2
            continue
        yield start, cuts, block
        start, size = start + int(cuts[-1]), BLOCK
