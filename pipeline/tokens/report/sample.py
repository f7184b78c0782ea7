"""The documents that a report of a tokenizer looks at: the same ones for the same corpus, and few enough to cost nothing.

A hash of its id, which is a digest of its content, chooses a document. Of a large split only some row groups are read, evenly spread over it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from pyarrow import compute, parquet

from pipeline.corpus.documents import Document
from pipeline.corpus.identify_language import language_of
from pipeline.corpus.read_corpus import shard_paths
from pipeline.corpus.shards import SCHEMA
from pipeline.corpus.splitting import TRAIN
from pipeline.tokens.repeats import draw
from pipeline.tokens.report.measure import find_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.tokens.text_encoder import ExampleEncoder

ROW_GROUPS = 16
"""Row groups of a split that are read, with up to 8 million characters each."""

DOCUMENTS, CHARACTERS = 150, 75_000
"""Documents and characters of a split, at most."""

TRAIN_DOCUMENTS, TRAIN_CHARACTERS = 600, 300_000
"""Those of the train split, which is also looked at by language and group."""

TEXT_CHARACTERS = 4000
"""Characters at the beginning of a text that are looked at."""


class SampledText(NamedTuple):
    """One text of a document."""

    document: int
    """Number of the document in the sample: texts of one document are alike."""

    text: str
    language: str
    """Its code, or ``unknown``."""

    group: str
    words: NDArray[np.int64]
    """[words, 2]: begin and end of each word."""


def sample_texts(corpus: Path, split: str, task: ExampleEncoder) -> list[SampledText]:
    """The texts of some documents, as a task reads and writes them.

    Args:
        corpus: folder of a corpus.
        split: of the corpus; without documents, there are no texts.
        task: says which texts a document has.
    """
    documents, limit = (TRAIN_DOCUMENTS, TRAIN_CHARACTERS) if split == TRAIN else (DOCUMENTS, CHARACTERS)
    found: list[SampledText] = []
    characters = 0
    for number, document in enumerate(_documents(corpus, split, documents)):
        if characters >= limit:
            break
        for text in map(_beginning, task.all_texts(document)):
            found.append(SampledText(number, text, language_of(text), document.group, find_words(text)))
            characters += len(text)
    return found


def _documents(corpus: Path, split: str, count: int) -> list[Document]:
    """The documents that a hash chooses, in its order."""
    places = _row_groups(corpus, split)
    chosen = heapq.nsmallest(count, _ids(places), key=_place)
    found = [document for shard, group in places for document in _with_ids(shard, group, chosen)]
    return sorted(found, key=lambda document: _place(document.id))


def _place(document: str) -> int:
    return draw(document, "report")


def _row_groups(corpus: Path, split: str) -> list[tuple[Path, int]]:
    every = [(shard, group) for shard in shard_paths(corpus, split) for group in range(parquet.read_metadata(shard).num_row_groups)]
    wanted = min(ROW_GROUPS, len(every))
    return [every[place * len(every) // wanted] for place in range(wanted)]


def _ids(places: list[tuple[Path, int]]) -> Iterator[str]:
    for shard, group in places:
        with parquet.ParquetFile(shard) as file:
            yield from file.read_row_group(group, columns=["id"])["id"].to_pylist()


def _with_ids(shard: Path, group: int, ids: list[str]) -> Iterator[Document]:
    """Some documents of a row group."""
    with parquet.ParquetFile(shard) as file:
        rows = file.read_row_group(group, columns=SCHEMA.names)
    for row in rows.filter(compute.is_in(rows["id"], value_set=pa.array(ids, pa.string()))).to_pylist():
        yield Document(**row)


def _beginning(text: str) -> str:
    """The beginning of a text, up to the end of a word."""
    if len(text) <= TEXT_CHARACTERS:
        return text
    cut = text[:TEXT_CHARACTERS]
    return cut[: cut.rfind(" ")] if " " in cut else cut
