"""Find wanted runs of words in the documents of a chunk: plain facts about it, which do not depend on other chunks, splits or decisions.

They are kept in the store. So a later corpus looks into new and changed chunks only, as long as it looks for the same texts.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.chunk_files import DOCUMENTS
from pipeline.corpus.near_copies import batches
from pipeline.corpus.read_corpus import read_file
from pipeline.corpus.wanted_runs import in_sorted
from pipeline.corpus.word_ngrams import hash_sizes, word_key
from pipeline.errors import Preempted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.corpus.wanted_runs import WantedRuns
    from pipeline.reporter import Reporter

FOUND = "found.parquet"
"""The file of a chunk."""

FILTER_BITS = 24
"""A table of 2^24 flags tells most other runs from those that are looked for, without a search."""


class Index(NamedTuple):
    """All that is looked for, whatever for."""

    hashes: NDArray[np.uint64]
    """[runs] sorted, each once."""

    sizes: tuple[int, ...]
    """Words in a run."""

    whole: dict[str, int]
    """Whole inputs, and the hash of each."""

    @classmethod
    def of(cls, wanted: Sequence[WantedRuns]) -> Index:
        """The runs of several sets of texts."""
        hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *(each.hashes for each in wanted)]))
        sizes = tuple(sorted({size for each in wanted for size in each.sizes}))
        return cls(hashes, sizes, {key: one for each in wanted for key, one in each.whole.items()})

    @property
    def digest(self) -> str:
        """Identity, as 64 hexadecimal digits."""
        rest = json.dumps([self.sizes, sorted(self.whole.items())])
        return hashlib.sha256(self.hashes.tobytes() + rest.encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write it for other processes."""
        with path.open("wb") as file:
            np.savez(file, hashes=self.hashes, rest=np.frombuffer(json.dumps([self.sizes, self.whole]).encode(), np.uint8))

    @classmethod
    def read(cls, path: Path) -> Index:
        """What `write` wrote."""
        with np.load(path) as found:
            sizes, whole = json.loads(found["rest"].tobytes())
            return cls(found["hashes"], tuple(sizes), whole)


class FindJob(NamedTuple):
    """One chunk to look into; it is sent to a worker process."""

    chunk: Path
    """Folder of the chunk."""

    wanted: Path
    """File of the `Index`."""

    folder: Path
    """Where the file goes; it is made."""


def find_runs(job: FindJob, reporter: Reporter) -> None:
    """Write which documents of a chunk contain which runs.

    Raises:
        Preempted: asked to stop.
    """
    index = Index.read(job.wanted)
    flags = np.zeros(1 << FILTER_BITS, np.bool_)
    flags[_flag(index.hashes)] = True
    pairs: list[NDArray[np.uint64]] = [np.empty((0, 2), np.uint64)]
    start, done = 0, 0.0
    for batch in batches(read_file(job.chunk / DOCUMENTS)):
        found = _in_batch(batch, index, flags)
        found[:, 0] += np.uint64(start)
        pairs.append(found)
        start += len(batch)
        done += sum(len(document.text) + len(document.pair or "") + len(document.target or "") for document in batch) / 1e6
        reporter.progress(done, done, "MB")
        if reporter.stopping():
            raise Preempted("stopped on request while ingesting", "", "run it again")
    rows, hashes = np.concatenate(pairs).T
    job.folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({"row": rows.astype(np.int64), "run": hashes}), job.folder / FOUND, compression="zstd")


def read_found(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """[found] documents, in order, and the runs that they contain; each pair once."""
    table = parquet.read_table(folder / FOUND, partitioning=None)
    return np.asarray(table["row"], np.int64), np.asarray(table["run"], np.uint64)


def _in_batch(batch: Sequence[Document], index: Index, flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """[found, 2] place of a document in the batch, and a run in it; sorted, each pair once."""
    texts = [[word_key(part) for part in (document.text, document.pair, document.target) if part] for document in batch]
    owners = np.array([place for place, keys in enumerate(texts) for _ in keys], np.uint64)
    pairs: list[NDArray[np.uint64]] = [np.empty((0, 2), np.uint64)]
    for runs in hash_sizes([key for keys in texts for key in keys], index.sizes):
        likely = flags[_flag(runs.hashes)]
        hashes, parts = runs.hashes[likely], runs.texts[likely]
        if len(hashes):
            known = in_sorted(hashes, index.hashes)
            pairs.append(np.stack((owners[parts[known]], hashes[known]), axis=1))
    if index.whole:
        inputs = (
            (place, " ".join(keys[: 1 + bool(document.pair)])) for place, (keys, document) in enumerate(zip(texts, batch, strict=True))
        )
        whole = [(place, index.whole[key]) for place, key in inputs if key in index.whole]
        pairs.append(np.array(whole, np.uint64).reshape(-1, 2))
    found = np.concatenate(pairs)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    return found[np.concatenate(([True], (found[1:] != found[:-1]).any(axis=1)))] if len(found) else found


def _flag(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return hashes >> np.uint64(64 - FILTER_BITS)
