"""Drop documents of validation, test and held-out that are near copies of training (`pipeline.corpus.near_copies`)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from pyarrow import parquet

from pipeline.corpus.chunk_files import DOCUMENTS
from pipeline.corpus.decide import KEPT
from pipeline.corpus.near_copies import NearCopies, batches
from pipeline.corpus.read_corpus import read_documents, read_file
from pipeline.corpus.splitting import IS_TRAIN, TRAIN
from pipeline.errors import Preempted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.cleaned_chunks import CleanedChunks
    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.documents import Document

MOST_RUNS = 64
"""Runs of one document that are looked for in training: its share is known to about 0.06, and it takes 1.5 kB of memory."""


def drop_near_copies(decisions: Decisions, chunks: CleanedChunks, taken: Path | None) -> None:
    """Filter the near copies.

    Args:
        decisions: about all documents; changed.
        chunks: hold the documents.
        taken: folder with training documents that were taken over from another corpus.

    Raises:
        Preempted: asked to stop.
    """
    folders, reporter = chunks.bring(range(len(chunks)), (DOCUMENTS,)), chunks.reporter
    train = decisions.of_split(IS_TRAIN)
    others = (decisions.outcomes == KEPT) & ~train
    search = NearCopies(_documents(folders, others), MOST_RUNS)
    for batch in batches(chain(read_documents(taken, TRAIN) if taken else (), _documents(folders, train))):
        search.read(batch)
        reporter.beat()
        if reporter.stopping():
            raise Preempted("stopped on request while ingesting", "", "run it again")
    decisions.drop_known(np.flatnonzero(others)[search.near()], "near_copy")


def _documents(folders: Sequence[Path], which: NDArray[np.bool_]) -> Iterator[Document]:
    """Some of the documents of all chunks, in order."""
    start = 0
    for folder in folders:
        rows = parquet.read_metadata(folder / DOCUMENTS).num_rows
        if which[start : start + rows].any():
            for document, wanted in zip(read_file(folder / DOCUMENTS), which[start : start + rows].tolist(), strict=True):
                if wanted:
                    yield document
        start += rows
