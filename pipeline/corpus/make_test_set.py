"""Make a corpus of test texts: all documents of a source, cleaned, each once, in the test split.

It is a frozen test set (`pipeline.corpus.frozen_test_set`), or a benchmark that training text is compared with (`pipeline.corpus.decontaminate`).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipeline.corpus.bundles import bundles, sizes_of
from pipeline.corpus.cleaned_chunks import CleanedChunks
from pipeline.corpus.cleaning.report import CleaningReport
from pipeline.corpus.cleaning.write_rule import write_rule
from pipeline.corpus.cleaning_inputs import NOTHING_GIVEN
from pipeline.corpus.counts import check_sums
from pipeline.corpus.decide import counts_of, decide
from pipeline.corpus.ingest import check_fields, corpus_counts, join_quarantine, read_all_keys, write_shards
from pipeline.corpus.splitting import TEST
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.corpus.cleaning_inputs import CleaningInputs
    from pipeline.corpus.ingest import Kept
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples


def make_test_set(
    data: Data,
    examples: TaskExamples,
    pin: Pin,
    output: Path,
    settings: Settings,
    reporter: Reporter,
    kept: Kept[Any],
    processes: int | None,
    given: CleaningInputs = NOTHING_GIVEN,
) -> dict[str, int]:
    """Read a pinned source and write a corpus of which every document is in the test split.

    Args:
        data: source, filter and cleaning; the split is not read.
        examples: the task's part that makes documents of records.
        pin: the source at the revision to read.
        output: empty folder to fill.
        settings: address of the S3 server; the folder that relative paths start from.
        reporter: gets progress, and may ask to stop.
        kept: where cleaned chunks and shards are kept.
        processes: most processes; by default one for each core.
        given: documents to leave out, and models that clean.

    Returns:
        The counts of a corpus.

    Raises:
        BadInput: too many records are unreadable, or no document is left.
        Preempted: asked to stop.
        SourceChanged: the source changed since it was planned.
        Unavailable: it is unreachable.
    """
    with (
        TemporaryDirectory(dir=output.parent, prefix=f"{output.name}-chunks-") as scratch,
        CleanedChunks(data, examples, pin, settings, reporter, kept.chunks, Path(scratch), processes, given) as chunks,
    ):
        keys = read_all_keys(chunks, signed=False).keys
        facts = keys.facts
        check_fields(facts, data.single_source.row_columns)
        quarantine = join_quarantine(facts, data.filter.max_quarantined)
        decisions = decide(keys, data.split, all_test=True)
        found = list(bundles(chunks.whats, keys.rows, sizes_of(keys), decisions, data.shard_mb))
        write_shards(found, chunks, kept.shards, data.shard_mb, output)
        of_splits = counts_of(decisions, keys)
    quarantine.write(output)
    report = CleaningReport()
    for each in facts:
        report.merge(each.cleaning)
    write_rule(data, report, output)
    counts = corpus_counts(facts, len(quarantine), decisions, of_splits, None)
    counts |= {name: times for name, times in sorted(report.counts.items()) if times}
    check_sums(counts)
    if not counts[TEST]:
        reasons = ", ".join(f"{counts[name]} {name}" for name in ("duplicate", "filtered", "quarantined"))
        raise BadInput(
            f"no test text is left of {counts['read']} records ({reasons})", "at least one", "correct the source, or its columns"
        )
    return counts | {f"left_out_{found.reason}": found.count for found in pin.left_out}
