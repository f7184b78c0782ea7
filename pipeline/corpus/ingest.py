"""Ingestion: source → records → documents → splits → shards, in one pass and in the order of the source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpus.cleaning import document
from pipeline.corpus.counts import check_identity
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

LOOK_UP = 1000
"""Records between two looks at whether to stop."""


def ingest_corpus(data: Data, pin: Pin, output: Path, settings: Settings, reporter: Reporter) -> dict[str, int]:
    """Read a pinned source and write a corpus: see `pipeline.corpus` for its files.

    Args:
        data: source, filter and split of the recipe.
        pin: the source at the revision to read.
        output: empty folder to fill.
        settings: where an S3 server is.
        reporter: told about progress.

    Returns:
        ``read``, ``kept``, ``duplicate``, ``filtered``, ``quarantined``; documents of each split by its name;
        ``pairs_<split>``; ``filtered_<reason>``.

    Raises:
        BadInput: too much is unreadable, or nothing is left to train on.
        Preempted: told to stop.
        Unavailable: the source changed since it was planned, or is away.
    """
    reader: Reader = load("source", READERS, data.source.kind)
    mill = _Mill(data, output)
    for record in reader(data.source, pin, settings, reporter):
        mill.take(record)
        if mill.counts["read"] % LOOK_UP == 0 and reporter.stopping():
            raise Preempted("told to stop while ingesting", "", "run it again")
    counts = mill.finish()
    check_identity(counts)
    _check_result(counts, data)
    return counts


class _Mill:
    """Takes records one by one, in order."""

    def __init__(self, data: Data, output: Path) -> None:
        self.data, self.output = data, output
        self.counts: Counter[str] = Counter()
        self.filtered: Counter[str] = Counter()
        self.quarantine, self.seen, self.splitter = Quarantine(), SeenDocuments(), Splitter(data.split)
        self.writers = {split: ShardWriter(output, split, data.shard_mb) for split in SPLITS}
        self.held_out: list[Document] = []
        """Waits until all of training is known; its share of a corpus is small."""

    def take(self, record: Record | Quarantined) -> None:
        """Put one record where it belongs."""
        self.counts["read"] += 1
        if isinstance(record, Quarantined):
            self.quarantine.add(record)
            return
        found = document(record, self.data.filter)
        if isinstance(found, str):
            self.filtered[found] += 1
        elif self.seen.again(found):
            self.counts["duplicate"] += 1
        else:
            split = self.splitter.split(found)
            if split == HELD_OUT:
                self.held_out.append(found)
            else:
                self._keep(found, split)

    def finish(self) -> dict[str, int]:
        """Write what waits, and add up."""
        self.quarantine.check(self.counts["read"], self.data.filter.max_quarantined)
        novel = self.splitter.novel(self.held_out)
        self.filtered["known_answer"] = len(self.held_out) - len(novel)
        for found in novel:
            self._keep(found, HELD_OUT)
        for writer in self.writers.values():
            writer.close()
        self.quarantine.write(self.output)
        ends = {name: self.counts[name] for name in ("read", "kept", "duplicate")}
        ends |= {"filtered": self.filtered.total(), "quarantined": len(self.quarantine)}
        ends |= {split: self.writers[split].documents for split in SPLITS}
        ends |= {f"pairs_{split}": self.counts[f"pairs_{split}"] for split in SPLITS}
        return ends | {f"filtered_{reason}": times for reason, times in sorted(self.filtered.items()) if times}

    def _keep(self, found: Document, split: str) -> None:
        self.counts["kept"] += 1
        self.counts[f"pairs_{split}"] += found.target is not None
        self.writers[split].add(found)


def _check_result(counts: dict[str, int], data: Data) -> None:
    """Refuse a corpus that nothing can be learned from."""
    if not counts[TRAIN]:
        reasons = ", ".join(f"{counts[name]} {name}" for name in ("duplicate", "filtered", "quarantined", "kept"))
        raise BadInput(
            f"of {counts['read']} records none is left to train on ({reasons})", "at least one", "bring more text, or loosen data.filter"
        )
    if data.source.columns.target and not any(counts[f"pairs_{split}"] for split in SPLITS):
        raise BadInput(
            f"no record has a usable {data.source.columns.target!r}",
            f"targets of {data.filter.min_target_chars} to {data.filter.max_target_chars} characters",
            "check data.source.columns.target, or loosen data.filter",
        )
