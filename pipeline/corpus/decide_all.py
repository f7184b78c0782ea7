"""Decide about all documents of a corpus, step by step (`pipeline.corpus.decide` lists the steps)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.corpus.choose_by_source import Origins, caps_of
from pipeline.corpus.decide import KEPT, KnownKeys, add_to_task, decide, drop_known
from pipeline.corpus.decontaminate import drop_contaminated
from pipeline.corpus.drop_near_copies import drop_near_copies
from pipeline.corpus.drop_near_duplicates import drop_near_duplicates
from pipeline.corpus.frozen_test_set import add_frozen, drop_equal
from pipeline.corpus.shortened_chunks import ONLY_REPEATED, ShortenedChunks
from pipeline.reporter import CpuHeartbeat

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.cleaned_chunks import CleanedChunks
    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.decontaminate import Benchmarks
    from pipeline.corpus.frozen_test_set import Frozen
    from pipeline.corpus.key_columns import KeyColumns
    from pipeline.corpus.learned import Learned
    from pipeline.recipe.data import Data
    from pipeline.tasks.base import TaskExamples


class Documents(NamedTuple):
    """All documents of a source, or of several."""

    chunks: CleanedChunks
    """They hold the documents."""

    keys: KeyColumns
    """What decides about each document."""


class TakenOver(NamedTuple):
    """What a corpus has of other artifacts, or must not have."""

    learned: Learned | None
    """Training documents of a model, for a corpus of fresh examples."""

    frozen: Frozen | None
    """The frozen test set."""

    tests: Benchmarks
    """Test texts that training must not contain."""


def decide_all(
    whole: Documents, used: Documents, taken: TakenOver, data: Data, examples: TaskExamples, kept: Intermediates, output: Path
) -> tuple[Decisions, dict[str, int]]:
    """What happens to each document, and how many contain texts of each benchmark.

    Args:
        whole: the documents as they were cleaned.
        used: the same documents without repeated lines and paragraphs, or ``whole``.
        taken: what the corpus has of other artifacts.
        data: rules of the recipe.
        examples: takes note of what is kept.
        kept: where what is found in a chunk is kept.
        output: folder of the corpus; what was found of test texts is written into it.

    Raises:
        BadInput: the task cannot have a document of the frozen test set.
        Preempted: asked to stop.
    """
    learned, frozen, keys = taken.learned, taken.frozen, used.keys
    shortened = used.chunks if isinstance(used.chunks, ShortenedChunks) else None
    origins = origins_of(used, data)
    # ten million documents take a minute
    with CpuHeartbeat(used.chunks.reporter):
        decisions = decide(
            keys, data.split, all_test=learned is not None, frozen=frozen is not None, whole_keys=whole.keys, origins=origins
        )
        if shortened:
            emptied = shortened.emptied(np.cumsum([0, *whole.keys.rows]))
            decisions.drop(emptied[decisions.outcomes[emptied] == KEPT], ONLY_REPEATED)
        if frozen:
            drop_equal(decisions, whole.keys, frozen)
            drop_equal(decisions, keys, frozen)
    # test texts are looked for in whole texts: they are whole themselves
    contaminated = drop_contaminated(decisions, whole.chunks, whole.keys.rows, kept, data, taken.tests, output)
    with CpuHeartbeat(used.chunks.reporter):
        drop_known(decisions, keys, learned.keys if learned else KnownKeys())
        if shortened:
            drop_known(decisions, whole.keys, KnownKeys())
        if data.deduplication and data.signed:
            stay = learned or frozen
            drop_near_duplicates(decisions, keys, data.deduplication, stay.signatures if stay else (), used.chunks.scratch)
    if data.split.near_copies is not None:
        drop_near_copies(decisions, used.chunks, output if learned else None)
    add_to_task(decisions, keys, examples)
    if frozen:
        add_frozen(frozen, examples)
    return decisions, contaminated


def origins_of(documents: Documents, data: Data) -> Origins | None:
    """The source of each document, and the caps; None for a recipe with one source."""
    return Origins(np.repeat(np.array(documents.chunks.sources, np.int16), documents.keys.rows), caps_of(data)) if data.sources else None
