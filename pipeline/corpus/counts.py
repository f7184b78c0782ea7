"""The book-keeping of a corpus: nothing that was read may vanish without a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import parquet

from pipeline.corpus.reading import shards
from pipeline.corpus.splitting import SPLITS
from pipeline.errors import TrainshedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Miscounted(TrainshedError):
    """Counts and shards of a corpus disagree: a bug in ingestion, or files that do not belong to this manifest."""


def check_identity(counts: Mapping[str, int]) -> None:
    """Check ``read = kept + duplicate + filtered + quarantined``, and that the splits add up to what was kept.

    Raises:
        Miscounted: they do not.
    """
    ends = {name: counts[name] for name in ("kept", "duplicate", "filtered", "quarantined")}
    if counts["read"] != sum(ends.values()):
        told = " + ".join(f"{value} {name}" for name, value in ends.items())
        raise Miscounted(f"{counts['read']} records read, but {told} = {sum(ends.values())}", "the two to be equal", "report this bug")
    if counts["kept"] != sum(counts[split] for split in SPLITS):
        raise Miscounted(f"{counts['kept']} kept, but the splits hold another number", "the two to be equal", "report this bug")


def check_counts(folder: Path, counts: Mapping[str, int]) -> None:
    """Check the counts of a manifest, and that the shards hold what they say. Reads the shards' footers only.

    Args:
        folder: folder of the corpus.
        counts: counts of its manifest.

    Raises:
        Miscounted: they disagree.
    """
    check_identity(counts)
    for split in SPLITS:
        rows = sum(parquet.read_metadata(shard).num_rows for shard in shards(folder, split))
        if rows != counts[split]:
            raise Miscounted(f"{rows} documents in the shards of {split}", f"{counts[split]}, as the manifest says", "report this bug")
