"""Ingestion: source → records → documents → splits → shards, in one pass and in the order of the source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpus.cleaning import clean_record
from pipeline.corpus.counts import check_sums
from pipeline.corpus.deduplication import SeenDocuments
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.quarantine import Quarantine
from pipeline.corpus.readers import READERS
from pipeline.corpus.shards import ShardWriter
from pipeline.corpus.splitting import HELD_OUT, SPLITS, TRAIN, Splitter
from pipeline.errors import BadInput, Preempted
from pipeline.lookup import load

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.documents import Document, Record
    from pipeline.corpus.readers.base import Reader
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

STOP_CHECK_EVERY = 1000
"""Records between two checks whether to stop."""


def ingest_corpus(data: Data, pin: Pin, output: Path, settings: Settings, reporter: Reporter) -> dict[str, int]:
    """Read a pinned source and write a corpus; `pipeline.corpus` describes its files.

    Args:
        data: source, filter and split of the recipe.
        pin: the source at the revision to read.
        output: empty folder to fill.
        settings: address of the S3 server.
        reporter: gets progress, and may ask to stop.

    Returns:
        ``read``, ``kept``, ``duplicate``, ``filtered``, ``quarantined``; documents of each split by its name;
        ``pairs_<split>``; ``filtered_<reason>``.

    Raises:
        BadInput: too many records are unreadable, or no document is left to train on.
        Preempted: asked to stop.
        Unavailable: the source changed since it was planned, or is unreachable.
    """
    reader: Reader = load("source", READERS, data.source.kind)
    ingestion = _Ingestion(data, output)
    for record in reader(data.source, pin, settings, reporter):
        ingestion.add(record)
        if ingestion.counts["read"] % STOP_CHECK_EVERY == 0 and reporter.stopping():
            raise Preempted("stopped on request while ingesting", "", "run it again")
    counts = ingestion.finish()
    check_sums(counts)
    _check_result(counts, data)
    return counts


class _Ingestion:
    """Sorts records into splits, one by one and in order."""

    def __init__(self, data: Data, output: Path) -> None:
        self.data, self.output = data, output
        self.counts: Counter[str] = Counter()
        self.filtered: Counter[str] = Counter()
        self.quarantine, self.seen, self.splitter = Quarantine(), SeenDocuments(), Splitter(data.split)
        self.writers = {split: ShardWriter(output, split, data.shard_mb) for split in SPLITS}
        self.held_out: list[Document] = []
        """Held-out documents, kept in memory until all answers of training are known; they are a small share of a corpus."""

    def add(self, record: Record | Quarantined) -> None:
        """Clean one record, and quarantine, filter or keep it."""
        self.counts["read"] += 1
        if isinstance(record, Quarantined):
            self.quarantine.add(record)
            return
        found = clean_record(record, self.data.filter)
        if isinstance(found, str):
            self.filtered[found] += 1
        elif self.seen.seen_before(found):
            self.counts["duplicate"] += 1
        else:
            split = self.splitter.split(found)
            if split == HELD_OUT:
                self.held_out.append(found)
            else:
                self._keep(found, split)

    def finish(self) -> dict[str, int]:
        """Write the held-out documents, close all files, and return the counts."""
        self.quarantine.check_share(self.counts["read"], self.data.filter.max_quarantined)
        kept = self.splitter.with_unseen_answers(self.held_out)
        self.filtered["known_answer"] = len(self.held_out) - len(kept)
        for found in kept:
            self._keep(found, HELD_OUT)
        for writer in self.writers.values():
            writer.close()
        self.quarantine.write(self.output)
        counts = {name: self.counts[name] for name in ("read", "kept", "duplicate")}
        counts |= {"filtered": self.filtered.total(), "quarantined": len(self.quarantine)}
        counts |= {split: self.writers[split].documents for split in SPLITS}
        counts |= {f"pairs_{split}": self.counts[f"pairs_{split}"] for split in SPLITS}
        return counts | {f"filtered_{reason}": times for reason, times in sorted(self.filtered.items()) if times}

    def _keep(self, found: Document, split: str) -> None:
        self.counts["kept"] += 1
        self.counts[f"pairs_{split}"] += found.target is not None
        self.writers[split].add(found)


def _check_result(counts: dict[str, int], data: Data) -> None:
    """Refuse a corpus without documents to train on, or without targets although a target column is named."""
    if not counts[TRAIN]:
        reasons = ", ".join(f"{counts[name]} {name}" for name in ("duplicate", "filtered", "quarantined", "kept"))
        raise BadInput(
            f"no document to train on is left of {counts['read']} records ({reasons})", "at least one", "add data, or loosen data.filter"
        )
    if data.source.columns.target and not any(counts[f"pairs_{split}"] for split in SPLITS):
        raise BadInput(
            f"no record has a usable {data.source.columns.target!r}",
            f"targets of {data.filter.min_target_chars} to {data.filter.max_target_chars} characters",
            "check data.source.columns.target, or loosen data.filter",
        )
