"""Shards of a corpus from its chunks: bundle by bundle, so that a bundle whose chunks and decisions are the same is not written again.

A bundle is a run of consecutive chunks with about one shard of text. Where it ends depends on the chunks near its end only. Its shards are
kept in the store, named by its chunks and by what was decided about their documents.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.chunk_files import DOCUMENTS, IMAGE_BYTES, read_sizes
from pipeline.corpus.chunks import ends_here
from pipeline.corpus.decide import KEPT
from pipeline.corpus.shards import ShardWriter
from pipeline.corpus.splitting import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.artifacts.intermediates import What
    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.key_columns import KeyColumns
    from pipeline.reporter import Reporter

NOT_KEPT = -1
BATCH_ROWS = 1024
"""Documents that are read at once."""


class Bundle(NamedTuple):
    """Some consecutive chunks, and what happens to their documents."""

    chunks: tuple[int, ...]
    """Numbers of the chunks."""

    splits: NDArray[np.int8]
    """[documents] places in `SPLITS`; `NOT_KEPT` for a document that is not kept."""

    @property
    def keeps_any(self) -> bool:
        """Whether a document is kept."""
        return bool((self.splits != NOT_KEPT).any())

    def what(self, whats: Sequence[What], shard_mb: int) -> What:
        """What its shards follow from.

        Args:
            whats: what each chunk of the corpus follows from.
            shard_mb: size of a shard.
        """
        decided = hashlib.sha256(self.splits.tobytes()).hexdigest()
        return {"shards": [whats[number] for number in self.chunks], "decided": decided, "shard_mb": shard_mb}


class BundleJob(NamedTuple):
    """A bundle to write; it is sent to a worker process."""

    chunks: tuple[Path, ...]
    """Folders of its chunks, in order."""

    splits: NDArray[np.int8]
    shard_mb: int
    folder: Path
    """Where the shards go; it is made."""


def bundles(
    whats: Sequence[What],
    rows: Sequence[int],
    sizes: NDArray[np.integer[Any]],
    decisions: Decisions,
    shard_mb: int,
    sources: Sequence[int] | None = None,
) -> Iterator[Bundle]:
    """Divide the chunks of a corpus.

    Args:
        whats: what each chunk follows from.
        rows: documents of each chunk.
        sizes: [documents] size of each document (`sizes_of`).
        decisions: about all documents.
        shard_mb: size of a shard, in millions.
        sources: source of each chunk; a bundle has chunks of one. None: all are of one.
    """
    splits = np.where(decisions.outcomes == KEPT, decisions.splits, np.int8(NOT_KEPT)).astype(np.int8)
    limit, ends = shard_mb * 1_000_000, np.cumsum(rows)
    group: list[int] = []
    first = total = 0
    for number, end in enumerate(ends.tolist()):
        size = int(sizes[end - rows[number] : end].sum())
        if group and (total + size > limit or (sources and sources[number] != sources[group[-1]])):
            yield Bundle(tuple(group), splits[first : end - rows[number]])
            group, first, total = [], end - rows[number], 0
        group.append(number)
        total += size
        if ends_here(whats[number]["chunk"], size, limit):
            yield Bundle(tuple(group), splits[first:end])
            group, first, total = [], end, 0
    if group:
        yield Bundle(tuple(group), splits[first:])


def sizes_of(keys: pa.Table | KeyColumns) -> NDArray[np.int32]:
    """[documents] characters of each document's texts, and bytes of its image."""
    chars = np.asarray(keys["chars"])
    return chars + np.asarray(keys[IMAGE_BYTES]) if IMAGE_BYTES in keys.column_names else chars


def write_bundle(job: BundleJob, reporter: Reporter) -> None:
    """Write the shards of a bundle, some rows and a row group of each split in memory at a time.

    Args:
        job: the bundle.
        reporter: gets the megabytes of text read.
    """
    job.folder.mkdir(parents=True)
    writers = [ShardWriter(job.folder, split, job.shard_mb) for split in SPLITS]
    start, done = 0, 0.0
    for chunk in job.chunks:
        of_chunk = sizes_of(read_sizes(chunk))
        place = 0
        with parquet.ParquetFile(chunk / DOCUMENTS) as file:
            for rows in _some_rows(file):
                splits, sizes = job.splits[start : start + rows.num_rows], of_chunk[place : place + rows.num_rows]
                for split, writer in enumerate(writers):
                    mask = splits == split
                    if mask.any():
                        writer.add_rows(rows.filter(pa.array(mask)), sizes[mask].tolist())
                start, place = start + rows.num_rows, place + rows.num_rows
                done += float(sizes.sum()) / 1e6
                reporter.progress(done, done, "MB")
    for writer in writers:
        writer.close()


def _some_rows(file: parquet.ParquetFile) -> Iterator[pa.Table]:
    """The rows in order, at most those of a row group at once: images are large."""
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(BATCH_ROWS, [group]):
            yield pa.Table.from_batches([batch])


def number_shards(folders: Sequence[Path], output: Path, first: dict[str, int]) -> list[list[str]]:
    """Move the shards of all bundles into the corpus, numbered in the order of the bundles.

    Args:
        folders: of the bundles, in order.
        output: folder of the corpus.
        first: number of the first shard of a split that has some already.

    Returns:
        The names of each bundle's shards.
    """
    names: list[list[str]] = [[] for _ in folders]
    for split in SPLITS:
        number = first.get(split, 0)
        for place, folder in enumerate(folders):
            for shard in sorted(folder.glob(f"{split}-*.parquet")):
                names[place].append(f"{split}-{number:05d}.parquet")
                shard.rename(output / names[place][-1])
                number += 1
    return names
