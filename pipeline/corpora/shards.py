"""Reading the shards of a corpus a batch at a time; `pipeline.corpus` says which files a corpus has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyarrow import parquet

from pipeline.corpora.source_shards import sources_of_shards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pyarrow import RecordBatch

SPLITS = ("train", "validation", "test", "held_out")
"""Names of the splits, as files and counts use them."""

LABELS = "labels.json"
"""The classes of a corpus whose targets are classes."""

QUARANTINE = "quarantine.jsonl"
"""The records that could not be read."""

ROWS = 4096
"""Documents of a batch, at most."""


def batches(folder: Path, splits: Iterable[str], columns: Sequence[str], source: str | None = None) -> Iterator[tuple[str, RecordBatch]]:
    """The documents of some splits, in order, each batch with the name of its split; memory holds one row group of one shard.

    Args:
        folder: folder of the corpus.
        splits: names from `SPLITS`.
        columns: columns to read.
        source: only documents of this source, in a corpus of several.
    """
    sources = sources_of_shards(folder) if source else {}
    for split in splits:
        for shard in sorted(folder.glob(f"{split}-*.parquet")):
            if source and sources.get(shard.name) != source:
                continue
            with parquet.ParquetFile(shard) as file:
                for batch in file.iter_batches(batch_size=ROWS, columns=list(columns)):
                    yield split, batch


def has_classes(folder: Path) -> bool:
    """Whether the targets of a corpus are classes."""
    return (folder / LABELS).exists()


def classes_of(target: str) -> list[str]:
    """The classes in a target: one label, or a JSON list of labels."""
    if target.startswith("["):
        try:
            found = json.loads(target)
        except ValueError:
            return [target]
        if isinstance(found, list):
            return [str(one) for one in found]
    return [target]
