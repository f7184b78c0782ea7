"""The profile of a corpus: measured texts of a sample, small enough to be kept beside every corpus.

The documents with the smallest hash of seed and id are the sample, so it does not depend on their order or on shards. The first
of them are measured: the *reference* that served texts are compared with. The next ones are the *vocabulary*: a word is unknown
if none of them has it. The two do not overlap. A document knows all of its own words, so a reference inside the vocabulary
would make every other text look strange.

Equal texts count once: a translation corpus has a text with each of its languages, and copies are no independent draws.

Texts are redacted first, as those of the log are. A profile holds no text, at most `REFERENCE` rows and `WORDS` words: 2 MB or less.
"""

from __future__ import annotations

import heapq
import io
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import compute, parquet

from pipeline.errors import BadInput
from pipeline.monitoring.features import FEATURES, measure, words_of
from pipeline.privacy.hide import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

REFERENCE = 2000
"""Texts that are measured, at most. A corpus of fewer than twice as many gives half of its texts."""

VOCABULARY_TEXTS = 8000
"""Texts whose words are known, at most."""

WORDS = 50_000
"""Words that are known, at most: the most frequent ones."""

LEAST = 100
"""A profile of fewer texts finds only crude differences, so none is made."""

SEED = 0
VERSION = 1
"""Raised by hand whenever the same corpus gives another profile."""


class Text(NamedTuple):
    """The input of a model."""

    text: str
    pair: str | None = None
    """The second text, where the input is two texts."""


@dataclass(frozen=True)
class Measures:
    """Measured texts."""

    numbers: NDArray[np.float32]
    """The values of `FEATURES`: texts x features."""

    grams: Sequence[NDArray[np.uint16]]
    """For each text, the buckets of its words and trigrams."""

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.grams)


@dataclass(frozen=True)
class Profile:
    """A sample of a corpus, measured."""

    reference: Measures
    """What served texts are compared with."""

    vocabulary: frozenset[int]
    """CRC-32 of the known words."""

    texts: int
    """Texts of the corpus that the sample is taken from."""

    def measure(self, texts: Iterable[str]) -> Measures:
        """Measure other texts by this profile's vocabulary, redacted as its own are."""
        return _measures(map(mask, texts), self.vocabulary)

    def to_bytes(self) -> bytes:
        """The stored form: a Parquet file; the vocabulary and the count are in its metadata."""
        columns = {name: pa.array(self.reference.numbers[:, place]) for place, name in enumerate(FEATURES)}
        table = pa.table({**columns, "grams": pa.array([grams.tolist() for grams in self.reference.grams], pa.list_(pa.uint16()))})
        words = np.array(sorted(self.vocabulary), np.uint32).tobytes()
        buffer = io.BytesIO()
        parquet.write_table(
            table.replace_schema_metadata({b"words": words, b"texts": str(self.texts).encode()}), buffer, compression="zstd"
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: it is something else.
        """
        table = parquet.read_table(io.BytesIO(data))
        found = table.schema.metadata or {}
        if table.column_names != [*FEATURES, "grams"] or b"words" not in found:
            raise ValueError("no profile of this version")
        numbers = np.stack([table[name].to_numpy() for name in FEATURES], axis=1)
        grams = [np.array(row, np.uint16) for row in table["grams"].to_pylist()]
        return cls(Measures(numbers, grams), frozenset(np.frombuffer(found[b"words"], np.uint32).tolist()), int(found[b"texts"]))


def make_profile(ids: Iterable[str], read: Callable[[set[str]], Iterable[tuple[str, Text]]], seed: int = SEED) -> Profile:
    """Profile a corpus.

    Args:
        ids: the id of every document.
        read: ids → id and input of those documents, in any order.
        seed: decides which documents are the sample.

    Raises:
        BadInput: fewer than twice `LEAST` documents.
    """
    ranked: list[tuple[bytes, str]] = []
    texts = 0

    def ranks() -> Iterable[tuple[bytes, str]]:
        nonlocal texts
        for one in ids:
            texts += 1
            yield blake2b(f"{seed}:{one}".encode(), digest_size=8).digest(), one

    ranked = heapq.nsmallest(REFERENCE + VOCABULARY_TEXTS, ranks())
    order = [one for _, one in ranked]
    found = dict(read(set(order)))
    sample = [mask(text) for text in distinct(found[one] for one in order)]
    measured = min(REFERENCE, len(sample) // 2)
    if measured < LEAST:
        got = f"a corpus of {len(sample)} different texts is too small for a profile"
        raise BadInput(got, f"at least {2 * LEAST}", "add data, or remove monitor.drift")
    counted = Counter(word for text in sample[measured:] for word in words_of(text))
    vocabulary = frozenset(word for word, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:WORDS])
    return Profile(_measures(sample[:measured], vocabulary), vocabulary, texts)


def profile_corpus(folder: Path, split: str = "train") -> Profile:
    """Profile a split of a corpus, shard by shard.

    Args:
        folder: folder of the corpus.
        split: name of the split.

    Raises:
        BadInput: the split has too few documents.
    """
    shards = sorted(folder.glob(f"{split}-*.parquet"))

    def ids() -> Iterable[str]:
        for shard in shards:
            yield from parquet.read_table(shard, columns=["id"], partitioning=None)["id"].to_pylist()

    def read(wanted: set[str]) -> Iterable[tuple[str, Text]]:
        chosen = pa.array(sorted(wanted))
        for shard in shards:
            with parquet.ParquetFile(shard) as file:
                for batch in file.iter_batches(columns=["id", "text", "pair"]):
                    for row in batch.filter(compute.is_in(batch["id"], value_set=chosen)).to_pylist():
                        yield row["id"], Text(row["text"], row["pair"])

    return make_profile(ids(), read)


def distinct(texts: Iterable[Text]) -> list[str]:
    """The inputs as one text each; of those with the same first text only the first."""
    first: dict[str, Text] = {}
    for text in texts:
        first.setdefault(text.text, text)
    return [text.text if text.pair is None else f"{text.text}\n{text.pair}" for text in first.values()]


def _measures(texts: Iterable[str], vocabulary: frozenset[int]) -> Measures:
    rows = [measure(text, vocabulary) for text in texts]
    numbers = np.array([row.numbers for row in rows], np.float32).reshape(len(rows), len(FEATURES))
    return Measures(numbers, [row.grams for row in rows])
