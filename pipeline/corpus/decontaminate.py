"""Drop documents that contain texts of a frozen test set or of a benchmark.

Texts are found by runs of words (`pipeline.corpus.wanted_runs`), in two steps. First each chunk is searched, in several processes; what was
found is kept in the store (`pipeline.corpus.find_runs`). Then all that was found is read once more, a chunk at a time, and decided about.

- *near a test text*: a document that has 70 % of the runs of eight words of one text of the frozen test set, the two numbers of
  `pipeline.corpus.near_copies`. It leaves every split.
- *contaminated*: a document that has a run of a benchmark, or so many as the recipe asks for. It leaves training and validation.

Memory is about 50 bytes for each word of the test texts, and what is found in one chunk.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.corpus.chunk_files import DOCUMENTS
from pipeline.corpus.contamination_report import SetFound, make_example, write_report
from pipeline.corpus.decide import KEPT
from pipeline.corpus.find_runs import FindJob, Index, find_runs, read_found
from pipeline.corpus.near_copies import FEWEST_RUNS, RUN, SHARE
from pipeline.corpus.read_corpus import read_documents, read_file
from pipeline.corpus.splitting import IS_TRAIN, IS_VALIDATION, SPLITS, TEST
from pipeline.corpus.wanted_runs import Rule, WantedRuns, in_sorted, wanted_runs
from pipeline.recipe.decontamination import TEST_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.cleaned_chunks import CleanedChunks
    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.documents import Document
    from pipeline.recipe.data import Data

log = logging.getLogger(__name__)

NEAR, CONTAMINATED = "near_test_source", "contaminated"
"""Reasons why documents are filtered."""

LEARNED = (IS_TRAIN, IS_VALIDATION)
EVERY = tuple(range(len(SPLITS)))
EXAMPLES = 5
"""Documents that are shown for each set of test texts: the first ones."""


class Benchmarks(NamedTuple):
    """Folders of corpora of test texts."""

    test_set: Path | None = None
    """The frozen test set."""

    others: tuple[Path, ...] = ()
    """In the order of ``data.decontamination.against``."""


NO_BENCHMARKS = Benchmarks()


class Sought(NamedTuple):
    """A set of test texts, and what is done with documents that contain them."""

    name: str
    folder: Path
    reason: str
    """Under which name documents are filtered."""

    splits: tuple[int, ...]
    """The splits that they leave."""

    wanted: WantedRuns


def drop_contaminated(
    decisions: Decisions, chunks: CleanedChunks, rows: Sequence[int], kept: Intermediates, data: Data, tests: Benchmarks, output: Path
) -> dict[str, int]:
    """Filter documents, and write `pipeline.corpus.contamination_report`.

    Args:
        decisions: about all documents; changed.
        chunks: hold the documents.
        rows: documents of each chunk.
        kept: where what is found in a chunk is kept.
        data: ``decontamination`` of the recipe.
        tests: the test texts.
        output: folder of the corpus.

    Returns:
        ``contaminated_<name>``: documents that contain texts of a benchmark; one document may count for several.

    Raises:
        Preempted: asked to stop.
    """
    sought = _sought(data, tests)
    if not sought:
        return {}
    folders, starts = _search(chunks, kept, Index.of([each.wanted for each in sought])), np.cumsum([0, *rows])
    alive = decisions.outcomes == KEPT
    learned = alive & np.isin(decisions.splits, LEARNED)
    common = _common_runs(folders, starts, learned, data)
    hits = [np.zeros(len(alive), np.bool_) for _ in sought]
    for folder, start in zip(folders, starts.tolist(), strict=False):
        found, runs = read_found(folder)
        counted = ~in_sorted(runs, common)
        for each, hit in zip(sought, hits, strict=True):
            asked = counted if each.reason == CONTAMINATED else np.ones(len(runs), np.bool_)
            hit[each.wanted.containing(found[asked] + start, runs[asked])] = True
    results: list[SetFound] = []
    for each, hit in zip(sought, hits, strict=True):
        places = np.flatnonzero(hit & alive & np.isin(decisions.splits, each.splits))
        decisions.drop(places[decisions.outcomes[places] == KEPT], each.reason)
        ignored = int(in_sorted(each.wanted.hashes, common).sum()) if each.reason == CONTAMINATED else 0
        splits = [SPLITS[split] for split in decisions.splits[places[:EXAMPLES]]]
        shown = zip(_documents(chunks, starts, places[:EXAMPLES]), splits, strict=True)
        examples = [
            make_example(document, split, each.wanted, common[:0] if each.reason == NEAR else common, read_documents(each.folder, TEST))
            for document, split in shown
        ]
        results.append(SetFound(each.name, each.reason, each.wanted, len(places), ignored, examples))
    write_report(results, output)
    log.info("documents that contain test texts: %s", ", ".join(f"{each.name} {each.documents}" for each in results))
    return {f"{CONTAMINATED}_{each.name}": each.documents for each in results if each.reason == CONTAMINATED}


def _sought(data: Data, tests: Benchmarks) -> list[Sought]:
    """The sets of test texts, with their runs; the frozen test set first."""
    found: list[Sought] = []
    near = Rule(RUN, SHARE, FEWEST_RUNS, short=False)
    if tests.test_set:
        found.append(Sought(TEST_SOURCE, tests.test_set, NEAR, EVERY, wanted_runs(read_documents(tests.test_set, TEST), near)))
    rules = data.decontamination
    if rules is None:
        return found
    folders = {TEST_SOURCE: tests.test_set} if tests.test_set else {}
    folders |= zip((each.name for each in rules.against), tests.others, strict=True)
    for name, folder in folders.items():
        # an answer of the test set may be a label, which training has to have
        rule = Rule(rules.ngram, rules.share, answers=name != TEST_SOURCE)
        found.append(Sought(name, folder, CONTAMINATED, LEARNED, wanted_runs(read_documents(folder, TEST), rule)))
    return found


def _search(chunks: CleanedChunks, kept: Intermediates, index: Index) -> list[Path]:
    """Folders with what was found in each chunk; chunks that were searched before are not searched again."""
    file = chunks.scratch / "index.npz"
    index.write(file)
    folders = [chunks.scratch / f"found-{number:06d}" for number in range(len(chunks))]
    whats = [{"found": what, "index": index.digest} for what in chunks.whats]
    fetched = kept.fetch(chunks.scratch, {folder.name: what for folder, what in zip(folders, whats, strict=True)})
    new = [number for number, folder in enumerate(folders) if folder.name not in fetched]
    jobs = {number: FindJob(folder, file, folders[number]) for number, folder in zip(new, chunks.bring(new, (DOCUMENTS,)), strict=True)}
    size = sum((job.chunk / DOCUMENTS).stat().st_size for job in jobs.values())
    chunks.run(find_runs, jobs, size, lambda number: kept.commit(whats[number], folders[number]))
    return folders


def _common_runs(folders: Sequence[Path], starts: NDArray[np.int64], learned: NDArray[np.bool_], data: Data) -> NDArray[np.uint64]:
    """The runs that more documents of training and validation contain than the recipe allows, sorted."""
    most = data.decontamination.most_documents if data.decontamination else None
    known, times = np.empty(0, np.uint64), np.empty(0, np.int64)
    if most is None:
        return known
    for folder, start in zip(folders, starts.tolist(), strict=False):
        found, runs = read_found(folder)
        new, more = np.unique(runs[learned[found + start]], return_counts=True)
        known, inverse = np.unique(np.concatenate((known, new)), return_inverse=True)
        times = np.bincount(inverse, np.concatenate((times, more)), len(known)).astype(np.int64)
    return known[times > most]


def _documents(chunks: CleanedChunks, starts: NDArray[np.int64], places: NDArray[np.int64]) -> Iterator[Document]:
    """Some documents of all chunks."""
    numbers = np.searchsorted(starts, places, side="right") - 1
    for number, place in zip(numbers.tolist(), places.tolist(), strict=True):
        (folder,) = chunks.bring([number], (DOCUMENTS,))
        yield next(islice(read_file(folder / DOCUMENTS), int(place - starts[number]), None))
