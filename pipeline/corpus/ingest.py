"""Ingestion: source → records → documents → splits → shards, in one pass and in the order of the source.

Fresh examples for a model that was trained before are a corpus too. It takes over the training documents of the corpus that the model learned
from. Every record of the source then is a test document, unless the model saw it in training or validation.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpus.cleaning.cleaner import Cleaner
from pipeline.corpus.cleaning.write_rule import write_rule
from pipeline.corpus.counts import check_sums
from pipeline.corpus.deduplication import SeenDocuments
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.learned import take_over_training
from pipeline.corpus.near_copies import NearCopies, batches
from pipeline.corpus.pending import PendingDocuments
from pipeline.corpus.quarantine import Quarantine
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.readers import READERS
from pipeline.corpus.shards import ShardWriter
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN, Splitter
from pipeline.errors import BadInput, Preempted
from pipeline.recipe.gate import MAX_CONTAMINATED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.corpus.documents import Document, Filtered, Record
    from pipeline.corpus.readers.base import Reader
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

log = logging.getLogger(__name__)

STOP_CHECK_EVERY = 1000
"""Records between two checks whether to stop."""

MOST_RUNS = 64
"""Runs of one document that are looked for in training: its share is known to about 0.06, and it takes 1.5 kB of memory."""


def ingest_corpus(
    data: Data,
    examples: TaskExamples,
    pin: Pin,
    output: Path,
    settings: Settings,
    reporter: Reporter,
    learned: Path | None = None,
) -> dict[str, int]:
    """Read a pinned source and write a corpus; `pipeline.corpus` describes its files.

    Args:
        data: source, filter and split of the recipe.
        examples: the task's part that makes documents of records.
        pin: the source at the revision to read.
        output: empty folder to fill.
        settings: address of the S3 server; the folder that relative paths start from.
        reporter: gets progress, and may ask to stop.
        learned: folder of the corpus that a model learned from, for a corpus of fresh examples; ``data.split`` then decides nothing.

    Returns:
        ``read``, ``kept``, ``duplicate``, ``filtered``, ``quarantined``; documents of each split by its name;
        ``pairs_<split>``, those with a target; ``filtered_<reason>``; what the task counts;
        ``left_out_<reason>``, files that the source has and nobody read.

    Raises:
        BadInput: too many records are unreadable, no document is left to train on, or no fresh one to test on, or the targets do not make a corpus for the task.
        Preempted: asked to stop.
        SourceChanged: the source changed since it was planned.
        Unavailable: it is unreachable.
    """
    reader: Reader = READERS.load(data.source.kind)
    with PendingDocuments(output) as pending:
        cleaner = Cleaner(data, settings.home, prose=examples.prose)
        ingestion = _Ingestion(data, examples, cleaner, output, pending, reporter, learned)
        for record in reader(data.source, pin, settings, reporter):
            ingestion.add(record)
            if ingestion.counts["read"] % STOP_CHECK_EVERY == 0:
                _check_stop(reporter)
        counts = ingestion.finish()
    check_sums(counts)
    log.info(
        "%(read)d records read = %(kept)d kept + %(duplicate)d duplicate + %(filtered)d filtered + %(quarantined)d quarantined", counts
    )
    if pin.left_out:
        log.info("files not read: %s", ", ".join(f"{found.reason}: {found.count} ({found.example})" for found in pin.left_out))
    _check_result(counts, fresh=learned is not None)
    return counts | dict(examples.finish(output)) | {f"left_out_{found.reason}": found.count for found in pin.left_out}


class _Ingestion:
    """Sorts records into splits, one by one and in order."""

    def __init__(
        self,
        data: Data,
        examples: TaskExamples,
        cleaner: Cleaner,
        output: Path,
        pending: PendingDocuments,
        reporter: Reporter,
        learned: Path | None,
    ) -> None:
        self.data, self.examples, self.output, self.pending, self.reporter = data, examples, output, pending, reporter
        self.cleaner = cleaner
        self.counts: Counter[str] = Counter()
        self.filtered: Counter[str] = Counter()
        self.quarantine, self.seen, self.splitter = Quarantine(), SeenDocuments(), Splitter(data.split)
        self.writers = {split: ShardWriter(output, split, data.shard_mb) for split in SPLITS}
        self.fresh, self.taken, pairs = learned is not None, 0, 0
        if learned is not None:
            self.taken, pairs = take_over_training(learned, output, examples, self.splitter)
        self.counts.update({"read": self.taken, "kept": self.taken, f"pairs_{TRAIN}": pairs})

    def add(self, record: Record | Quarantined | Filtered) -> None:
        """Clean one record, and quarantine, filter or keep it."""
        self.counts["read"] += 1
        found = self.cleaner.documents(record, self.examples)
        if isinstance(found, Quarantined):
            self.quarantine.add(found)
        elif isinstance(found, str):
            self.filtered[found] += 1
        else:
            for document in found:
                self._sort(document)

    def _sort(self, found: Document) -> None:
        """Give a document its split, and drop it if it is a duplicate there."""
        split = TEST if self.fresh else self.splitter.split(found.group, self.examples.split_keys(found))
        if self.seen.seen_before(found, split):
            self.counts["duplicate"] += 1
        elif split == TRAIN:
            self._keep(found, split)
        else:
            self.pending.add(split, found)

    def finish(self) -> dict[str, int]:
        """Write the documents of the other splits, close all files, and return the counts."""
        self.quarantine.check_share(self.counts["read"] - self.taken, self.data.filter.max_quarantined)
        dropped: Counter[str] = Counter()
        copies: Counter[str] = Counter()
        self.writers[TRAIN].close()
        drop = self.data.split.near_copies is not None
        for (split, found), near in zip(self.pending.take(), self._near_copies(), strict=True):
            known = self.splitter.known(split, self.examples.split_keys(found)) or ("near_copy" if near and drop else None)
            if known:
                self.filtered[known] += 1
                dropped[split] += 1
            else:
                self._keep(found, split)
                copies[split] += near
        self._warn(dropped, copies)
        for writer in self.writers.values():
            writer.close()
        self.quarantine.write(self.output)
        write_rule(self.data, self.cleaner.report, self.output)
        counts = {name: self.counts[name] for name in ("read", "kept", "duplicate")}
        counts |= {"filtered": self.filtered.total(), "quarantined": len(self.quarantine)}
        counts |= {split: self.writers[split].documents for split in SPLITS}
        counts[TRAIN] += self.taken
        counts |= {f"pairs_{split}": self.counts[f"pairs_{split}"] for split in SPLITS}
        counts |= {name: times for name, times in sorted(self.cleaner.report.counts.items()) if times}
        return counts | {f"filtered_{reason}": times for reason, times in sorted(self.filtered.items()) if times}

    def _warn(self, dropped: Counter[str], copies: Counter[str]) -> None:
        """Log what a person may want to change: near copies in the test split, splits that lose more documents than they keep."""
        if copies[TEST] > MAX_CONTAMINATED * self.writers[TEST].documents:
            log.warning(
                "%d of %d test documents are near copies of training, and the gate may refuse a model for it; see data.split.near_copies",
                copies[TEST],
                self.writers[TEST].documents,
            )
        for split in SPLITS:
            if dropped[split] > self.writers[split].documents:
                log.warning(
                    "%s keeps %d documents and drops %d that training knows; see data.split.by",
                    split,
                    self.writers[split].documents,
                    dropped[split],
                )

    def _near_copies(self) -> Iterator[bool]:
        """Whether each document of the other splits is a near copy of training, in their order."""
        search = NearCopies((found for _, found in self.pending.take()), MOST_RUNS)
        for batch in batches(read_documents(self.output, TRAIN)):
            search.read(batch)
            self.reporter.beat()
            _check_stop(self.reporter)
        return iter(search.near().tolist())

    def _keep(self, found: Document, split: str) -> None:
        reason = self.examples.add(found, split)
        if reason:
            self.filtered[reason] += 1
            return
        self.counts["kept"] += 1
        self.counts[f"pairs_{split}"] += found.target is not None
        self.writers[split].add(found)


def _check_stop(reporter: Reporter) -> None:
    """End here if a person or a server asked to stop."""
    if reporter.stopping():
        raise Preempted("stopped on request while ingesting", "", "run it again")


def _check_result(counts: dict[str, int], *, fresh: bool) -> None:
    """Refuse a corpus without documents to train on, and one of fresh examples without any."""
    if fresh and not counts[TEST]:
        known = sum(counts.get(f"filtered_known_{key}", 0) for key in ("input", "answer"))
        reasons = f"{known} known from training, {counts['filtered'] - known} filtered, {counts['quarantined']} quarantined"
        raise BadInput(
            f"no fresh example is left of {counts['read'] - counts[TRAIN]} records ({reasons})",
            "at least one that the model did not learn from",
            "add newer records to the labelled source",
        )
    if not counts[TRAIN]:
        reasons = ", ".join(f"{counts[name]} {name}" for name in ("duplicate", "filtered", "quarantined", "kept"))
        raise BadInput(
            f"no document to train on is left of {counts['read']} records ({reasons})", "at least one", "add data, or loosen data.filter"
        )
