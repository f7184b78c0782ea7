"""Ingestion: source → chunks of cleaned documents → decisions over all of them → shards.

A pinned source is divided into chunks (`pipeline.corpus.chunks`). Each chunk is read and cleaned on its own, in several processes, and
kept in the store. So a killed ingestion cleans no finished chunk again, and a later one only what is new or changed. Then all documents
are decided about at once, from their keys (`pipeline.corpus.decide`), and the kept ones are written as shards (`pipeline.corpus.bundles`).
The corpus has the same bytes whatever was kept before and however many processes there are.

Fresh examples for a model that was trained before are a corpus too. It takes over the training documents of the corpus that the model learned
from. Every record of the source then is a test document, unless the model saw it in training or validation.
"""

from __future__ import annotations

import logging
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from pipeline.artifacts.intermediates import NothingKept
from pipeline.corpora.source_shards import write_sources
from pipeline.corpus import QUALITY
from pipeline.corpus.bundles import BundleJob, bundles, number_shards, sizes_of, write_bundle
from pipeline.corpus.chunk_files import DOCUMENTS, KEYS, ChunkFacts
from pipeline.corpus.cleaned_chunks import CleanedChunks
from pipeline.corpus.cleaning.report import CleaningReport
from pipeline.corpus.cleaning.write_rule import write_rule
from pipeline.corpus.cleaning_inputs import NOTHING_GIVEN
from pipeline.corpus.counts import MoreDocuments, check_sums
from pipeline.corpus.decide import counts_of
from pipeline.corpus.decide_all import Documents, TakenOver, decide_all, origins_of
from pipeline.corpus.decontaminate import NO_BENCHMARKS
from pipeline.corpus.drop_repeated import without_repeated
from pipeline.corpus.frozen_test_set import take_over_test_set
from pipeline.corpus.key_columns import KeyColumns
from pipeline.corpus.learned import take_over_training
from pipeline.corpus.quality import FACTS
from pipeline.corpus.quarantine import Quarantine
from pipeline.corpus.read_corpus import shard_paths
from pipeline.corpus.readers.fields import named_fields
from pipeline.corpus.shortened_chunks import ShortenedChunks
from pipeline.corpus.source_counts import source_counts
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN
from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.bundles import Bundle
    from pipeline.corpus.choose_by_source import Origins
    from pipeline.corpus.cleaning_inputs import CleaningInputs
    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.decontaminate import Benchmarks
    from pipeline.recipe.data import Columns, Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

log = logging.getLogger(__name__)

Store = TypeVar("Store", bound="Intermediates")


class Kept(NamedTuple, Generic[Store]):
    """Where an ingestion keeps what it makes on its way."""

    chunks: Store
    """Cleaned chunks."""

    shards: Store
    """Shards of bundles."""


NOTHING_KEPT = Kept(NothingKept(), NothingKept())


def ingest_corpus(
    data: Data,
    examples: TaskExamples,
    pin: Pin,
    output: Path,
    settings: Settings,
    reporter: Reporter,
    learned: Path | None = None,
    kept: Kept[Any] = NOTHING_KEPT,
    processes: int | None = None,
    given: CleaningInputs = NOTHING_GIVEN,
    tests: Benchmarks = NO_BENCHMARKS,
) -> dict[str, int]:
    """Read a pinned source and write a corpus; `pipeline.corpus` describes its files.

    Args:
        data: source, filter and split of the recipe.
        examples: the task's part that makes documents of records.
        pin: the source at the revision to read.
        output: empty folder to fill; cleaned chunks are in a temporary folder beside it.
        settings: address of the S3 server; the folder that relative paths start from.
        reporter: gets progress, and may ask to stop.
        learned: folder of the corpus that a model learned from, for a corpus of fresh examples; ``data.split`` then decides nothing.
        kept: where cleaned chunks and shards are kept.
        processes: most processes that clean and write; by default one for each core.
        given: documents to leave out, and models that clean.
        tests: test texts that training must not contain.

    Returns:
        ``read``, ``kept``, ``duplicate``, ``filtered``, ``quarantined``; documents of each split by its name;
        ``pairs_<split>``, those with a target; ``filtered_<reason>``; what the task counts;
        of several sources ``source_<figure>_<name>`` (`pipeline.corpus.source_counts`);
        ``near_duplicates_<split>``, documents that a split lost to near duplicates; ``contaminated_<name>``,
        documents that contain texts of a benchmark; ``left_out_<reason>``, files that the source has and nobody read.

    Raises:
        BadInput: too many records are unreadable, no document is left to train on, or no fresh one to test on, or the targets do not make a corpus for the task.
        Preempted: asked to stop.
        SourceChanged: the source changed since it was planned.
        Unavailable: it is unreachable.
    """
    with (
        TemporaryDirectory(dir=output.parent, prefix=f"{output.name}-chunks-") as scratch,
        CleanedChunks(data, examples, pin, settings, reporter, kept.chunks, Path(scratch), processes, given) as chunks,
    ):
        counts = _merge(chunks, kept.shards, data, examples, output, learned, tests)
    if given.classifier:
        copyfile(given.classifier.folder / FACTS, output / QUALITY)
    check_sums(counts)
    log.info(
        "%(read)d records read = %(kept)d kept + %(duplicate)d duplicate + %(filtered)d filtered + %(quarantined)d quarantined", counts
    )
    if pin.left_out:
        log.info("files not read: %s", ", ".join(f"{found.reason}: {found.count} ({found.example})" for found in pin.left_out))
    _check_result(counts, fresh=learned is not None)
    return counts | dict(examples.finish(output)) | {f"left_out_{found.reason}": found.count for found in pin.left_out}


def _merge(
    chunks: CleanedChunks,
    kept_shards: Intermediates,
    data: Data,
    examples: TaskExamples,
    output: Path,
    learned: Path | None,
    tests: Benchmarks,
) -> dict[str, int]:
    """Clean the chunks, decide about all documents, write the corpus, and return the counts."""
    whole = read_all_keys(chunks, signed=data.signed)
    facts = whole.keys.facts
    quarantine = _checked(chunks, facts, data.filter.max_quarantined)
    salt, signed = data.split.salt, data.signed
    taken = TakenOver(
        take_over_training(learned, output, examples, salt, chunks.given.forgotten, signed=signed) if learned else None,
        take_over_test_set(tests.test_set, output, examples, salt, signed=signed) if tests.test_set else None,
        tests,
    )
    used = _without_repeated(whole, data, kept_shards, output) if learned is None else whole
    decisions, contaminated = decide_all(whole, used, taken, data, examples, kept_shards, output)
    of_sources = _write(used, facts, decisions, origins_of(used, data), kept_shards, data.shard_mb, output)
    quarantine.write(output)
    report = CleaningReport()
    for each in (*facts, *(used.chunks.facts() if isinstance(used.chunks, ShortenedChunks) else ())):
        report.merge(each.cleaning)
    write_rule(data, report, output)
    kept = counts_of(decisions, used.keys)
    _warn(decisions, kept)
    counts = corpus_counts(facts, len(quarantine), decisions, kept, _more(taken)) | contaminated
    return counts | {name: times for name, times in sorted(report.counts.items()) if times} | of_sources


def _without_repeated(whole: Documents, data: Data, kept: Intermediates, output: Path) -> Documents:
    """The documents without lines and paragraphs that many of them have, where the recipe asks for it. Fresh examples are as a served model gets them."""
    if data.deduplication is None or not data.deduplication.shortens:
        return whole
    starts = np.cumsum([0, *whole.keys.rows])
    chunks = without_repeated(whole.chunks, whole.keys, starts, kept, data.deduplication, output)
    return read_all_keys(chunks, signed=data.signed, name="shortened-keys")


def _more(taken: TakenOver) -> MoreDocuments | None:
    """Documents that the corpus has of another artifact."""
    for split, found in ((TRAIN, taken.learned), (TEST, taken.frozen)):
        if found:
            return MoreDocuments(split, found.documents, found.pairs)
    return None


def read_all_keys(chunks: CleanedChunks, *, signed: bool, name: str = "keys") -> Documents:
    """All documents.

    Args:
        chunks: of the corpus; those that are missing are cleaned.
        signed: whether to read signatures.
        name: of the file beside the chunks.
    """
    folders = chunks.bring(range(len(chunks)), (KEYS,))
    return Documents(chunks, KeyColumns.gather(folders, chunks.scratch / f"{name}.arrow", signed=signed))


def _checked(chunks: CleanedChunks, facts: Sequence[ChunkFacts], allowed: float) -> Quarantine:
    """The records that could not be read.

    Raises:
        BadInput: of a source there are too many, or no row has a field that the recipe names.
    """
    quarantine = Quarantine()
    for place, part in enumerate(chunks.parts):
        of_source = [found for source, found in zip(chunks.sources, facts, strict=True) if source == place]
        try:
            check_fields(of_source, part.source.row_columns)
            quarantine.take(join_quarantine(of_source, allowed), part.name)
        except BadInput as error:
            if not part.name:
                raise
            raise part.error(error) from error
    return quarantine


def _write(
    documents: Documents,
    facts: Sequence[ChunkFacts],
    decisions: Decisions,
    origins: Origins | None,
    kept: Intermediates,
    shard_mb: int,
    output: Path,
) -> dict[str, int]:
    """Write the shards, and of several sources which are whose; returns the counts of each source."""
    chunks, keys = documents
    found = list(bundles(chunks.whats, keys.rows, sizes_of(keys), decisions, shard_mb, chunks.sources))
    names = [part.name for part in chunks.parts]
    counts = source_counts(names, origins.sources, chunks.sources, facts, decisions, np.asarray(keys["chars"])) if origins else {}
    shards = write_shards(found, chunks, kept, shard_mb, output)
    if origins:
        write_sources(names, [chunks.sources[bundle.chunks[0]] for bundle in found], shards, output)
    return counts


def check_fields(facts: Sequence[ChunkFacts], columns: Columns) -> None:
    """Refuse a field that the recipe names and no row of any chunk has.

    Raises:
        BadInput: suggests the near name.
    """
    known = [found.fields for found in facts if found.fields]
    absent = set[str].intersection(*(set(found.absent) for found in known)) if known else set()
    for column in named_fields(columns):
        if column in absent:
            raise unknown_name("field of the source in data.source.columns:", column, set().union(*(found.seen for found in known)))


def join_quarantine(facts: Sequence[ChunkFacts], allowed: float) -> Quarantine:
    """The records of all chunks that could not be read.

    Raises:
        BadInput: there are too many.
    """
    found = Quarantine()
    for each in facts:
        found.take(each.quarantine)
    found.check_share(sum(each.read for each in facts), allowed)
    return found


def write_shards(found: Sequence[Bundle], chunks: CleanedChunks, kept: Intermediates, shard_mb: int, output: Path) -> list[list[str]]:
    """Write the shards of all splits, and return the names of each bundle's; those that are kept from an earlier corpus are fetched."""
    folders = [chunks.scratch / f"bundle-{number:06d}" for number in range(len(found))]
    whats = {folder.name: bundle.what(chunks.whats, shard_mb) for folder, bundle in zip(folders, found, strict=True)}
    fetched = kept.fetch(chunks.scratch, whats)
    new = {number: bundle for number, bundle in enumerate(found) if folders[number].name not in fetched and bundle.keeps_any}
    chunks.bring([chunk for bundle in new.values() for chunk in bundle.chunks], (DOCUMENTS, KEYS))
    jobs = {
        number: BundleJob(tuple(map(chunks.folder, bundle.chunks)), bundle.splits, shard_mb, folders[number])
        for number, bundle in new.items()
    }
    size = sum((chunk / DOCUMENTS).stat().st_size for job in jobs.values() for chunk in job.chunks)
    chunks.run(write_bundle, jobs, size, lambda number: kept.commit(whats[folders[number].name], folders[number]))
    return number_shards(folders, output, {split: len(shard_paths(output, split)) for split in SPLITS})


def corpus_counts(
    facts: Sequence[ChunkFacts], quarantined: int, decisions: Decisions, kept: Mapping[str, int], taken: MoreDocuments | None
) -> dict[str, int]:
    """The counts of a corpus; documents that were taken over are counted as read and kept."""
    filtered = sum((found.filtered for found in facts), decisions.reasons)
    more = {taken.split: taken.documents, f"pairs_{taken.split}": taken.pairs} if taken else {}
    documents = taken.documents if taken else 0
    return {
        "read": sum(found.read for found in facts) + documents,
        "kept": sum(kept[split] for split in SPLITS) + documents,
        "duplicate": decisions.duplicates,
        "filtered": filtered.total(),
        "quarantined": quarantined,
        **{name: times + more.get(name, 0) for name, times in kept.items()},
        **{f"near_duplicates_{split}": times for split, times in decisions.near_duplicates.items()},
        **{f"filtered_{reason}": times for reason, times in sorted(filtered.items()) if times},
    }


def _warn(decisions: Decisions, kept: Mapping[str, int]) -> None:
    """Log which splits lose more documents than they keep."""
    for split in SPLITS:
        if decisions.known[split] > kept[split]:
            log.warning(
                "%s keeps %d documents and drops %d that training knows; see data.split.by", split, kept[split], decisions.known[split]
            )


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
