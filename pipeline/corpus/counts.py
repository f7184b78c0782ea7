"""The counts of a corpus: every record that was read must be counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyarrow import parquet

from pipeline.corpora.of_sources import of_sources
from pipeline.corpus.read_corpus import shard_paths
from pipeline.corpus.splitting import SPLITS
from pipeline.errors import TrainshedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Miscounted(TrainshedError):
    """Counts and shards of a corpus disagree: a bug in ingestion, or files that do not belong to this manifest."""


class MoreDocuments(NamedTuple):
    """Documents that a corpus has of another artifact; they are counted as read and kept."""

    split: str
    documents: int
    pairs: int
    """Those that have a target."""


def check_sums(counts: Mapping[str, int]) -> None:
    """Check ``read + split_parts = kept + duplicate + filtered + quarantined``, of each source too, and that the splits add up to what was kept.

    Raises:
        Miscounted: they do not.
    """
    outcomes = {name: counts[name] for name in ("kept", "duplicate", "filtered", "quarantined")}
    parts = counts.get("split_parts", 0)  # documents beyond the first of each record
    if counts["read"] + parts != sum(outcomes.values()):
        summed = " + ".join(f"{value} {name}" for name, value in outcomes.items())
        made = f" and {parts} more made by splitting" if parts else ""
        raise Miscounted(
            f"{counts['read']} records read{made}, but {summed} = {sum(outcomes.values())}", "equal numbers", "report this bug"
        )
    if counts["kept"] != sum(counts[split] for split in SPLITS):
        raise Miscounted(f"{counts['kept']} kept, but the splits hold another number of documents", "equal numbers", "report this bug")
    wrong = next((found for found in of_sources(counts) if not found.adds_up), None)
    if wrong:
        raise Miscounted(
            f"the counts of source {wrong.name} do not add up to {wrong.read} records read", "equal numbers", "report this bug"
        )


def check_counts(folder: Path, counts: Mapping[str, int]) -> None:
    """Check the counts of a manifest against each other and against the shards. Reads only the shards' footers.

    Args:
        folder: folder of the corpus.
        counts: counts of its manifest.

    Raises:
        Miscounted: they disagree.
    """
    check_sums(counts)
    for split in SPLITS:
        rows = sum(parquet.read_metadata(shard).num_rows for shard in shard_paths(folder, split))
        if rows != counts[split]:
            raise Miscounted(f"{rows} documents in the shards of {split}", f"{counts[split]}, as in the manifest", "report this bug")
