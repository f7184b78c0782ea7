"""Lines and paragraphs that occur in many documents: menus, notices, signatures. They are counted over the whole corpus, and found by hashes.

A unit is a line, or a paragraph: lines between blank ones. Two units are equal if their comparison keys are, so case, punctuation and spacing
do not count. Each chunk is searched once, in several processes, and its units are kept in the store. Lee et al. 2022, "Deduplicating
training data makes language models better", show what such repetition does to a language model; Wenzek et al. 2020, "CCNet", remove
paragraphs by hashes too.

Memory is bounded: a table of 2^24 counters tells most units that occur rarely, and only the others are counted one by one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.chunk_files import DOCUMENTS
from pipeline.corpus.near_copies import batches
from pipeline.corpus.normalise import comparison_key
from pipeline.corpus.read_corpus import read_file
from pipeline.corpus.wanted_runs import in_sorted
from pipeline.errors import Preempted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.cleaned_chunks import CleanedChunks
    from pipeline.recipe.deduplication import Deduplication
    from pipeline.reporter import Reporter

UNITS = "units.parquet"
"""The file of a chunk."""

COUNTER_BITS = 24
LINE, PARAGRAPH = 0, 1
"""The last bit of a hash says what it is of."""

KINDS = ("line", "paragraph")


class Asked(NamedTuple):
    """In how many documents a unit has to occur to be removed; None: such units are not looked at."""

    lines: int | None
    paragraphs: int | None

    @classmethod
    def of(cls, rules: Deduplication) -> Asked:
        """What a recipe asks for."""
        return cls(rules.lines, rules.paragraphs)

    @property
    def kinds(self) -> tuple[bool, bool]:
        """Whether lines, and whether paragraphs are looked at."""
        return self.lines is not None, self.paragraphs is not None


class Repeated(NamedTuple):
    """The units that are removed."""

    hashes: NDArray[np.uint64]
    """[units] sorted, each once."""

    documents: NDArray[np.int64]
    """[units] different documents that have each."""


class FindUnitsJob(NamedTuple):
    """One chunk to search; it is sent to a worker process."""

    chunk: Path
    kinds: tuple[bool, bool]
    folder: Path
    """Where the file goes; it is made."""


def unit_hash(unit: str, kind: int) -> int:
    """64 bits that stand for a line or a paragraph; 0 for a blank one."""
    key = comparison_key(unit)
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) & ~1 | kind if key else 0


def units_of(text: str, kinds: tuple[bool, bool]) -> Iterator[tuple[int, str]]:
    """The units of a text in order, each with its hash; blank ones are left out."""
    lines, paragraphs = kinds
    for paragraph in text.split("\n\n"):
        units = [(paragraph, PARAGRAPH)] if paragraphs else []
        units += [(line, LINE) for line in paragraph.split("\n")] if lines else []
        for unit, kind in units:
            found = unit_hash(unit, kind)
            if found:
                yield found, unit


def find_units(job: FindUnitsJob, reporter: Reporter) -> None:
    """Write which units the documents of a chunk have.

    Raises:
        Preempted: asked to stop.
    """
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    units: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
    number, done = 0, 0.0
    for batch in batches(read_file(job.chunk / DOCUMENTS)):
        for document in batch:
            found = np.unique(np.array([unit for unit, _ in units_of(document.text, job.kinds)], np.uint64))
            rows.append(np.full(len(found), number, np.int64))
            units.append(found)
            done += len(document.text) / 1e6
            number += 1
        reporter.progress(done, done, "MB")
        if reporter.stopping():
            raise Preempted("stopped on request while ingesting", "", "run it again")
    job.folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({"row": np.concatenate(rows), "unit": np.concatenate(units)}), job.folder / UNITS, compression="zstd")


def read_units(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """[found] documents, in order, and the units that they have; each pair once."""
    table = parquet.read_table(folder / UNITS, partitioning=None)
    return np.asarray(table["row"], np.int64), np.asarray(table["unit"], np.uint64)


def search_units(chunks: CleanedChunks, kept: Intermediates, asked: Asked) -> list[Path]:
    """Folders with the units of each chunk; chunks that were searched before are not searched again.

    Args:
        chunks: hold the documents.
        kept: where units are kept.
        asked: which ones.
    """
    folders = [chunks.scratch / f"units-{number:06d}" for number in range(len(chunks))]
    whats = [{"units": what, "kinds": asked.kinds} for what in chunks.whats]
    fetched = kept.fetch(chunks.scratch, {folder.name: what for folder, what in zip(folders, whats, strict=True)})
    new = [number for number, folder in enumerate(folders) if folder.name not in fetched]
    jobs = {
        number: FindUnitsJob(chunk, asked.kinds, folders[number])
        for number, chunk in zip(new, chunks.bring(new, (DOCUMENTS,)), strict=True)
    }
    size = sum((job.chunk / DOCUMENTS).stat().st_size for job in jobs.values())
    chunks.run(find_units, jobs, size, lambda number: kept.commit(whats[number], folders[number]))
    return folders


def count_units(folders: Sequence[Path], starts: NDArray[np.int64], different: NDArray[np.bool_], asked: Asked) -> Repeated:
    """The units that occur in as many different documents as the recipe says.

    Args:
        folders: of `search_units`.
        starts: [chunks + 1] place of the first document of each chunk.
        different: [documents] whether each is the first of its equals.
        asked: the numbers of documents.
    """
    least = np.array([number or np.iinfo(np.int64).max for number in asked], np.int64)
    counters = np.zeros(1 << COUNTER_BITS, np.uint32)
    for units in _of_different(folders, starts, different):
        places, times = np.unique(units >> np.uint64(64 - COUNTER_BITS), return_counts=True)
        counters[places] += times.astype(np.uint32)
    often = counters >= least.min()
    known, documents = np.empty(0, np.uint64), np.empty(0, np.int64)
    for units in _of_different(folders, starts, different):
        new, more = np.unique(units[often[units >> np.uint64(64 - COUNTER_BITS)]], return_counts=True)
        known, inverse = np.unique(np.concatenate((known, new)), return_inverse=True)
        documents = np.bincount(inverse, np.concatenate((documents, more)), len(known)).astype(np.int64)
    repeated = documents >= least[(known & np.uint64(1)).astype(np.int64)]
    return Repeated(known[repeated], documents[repeated])


def shorten(text: str, repeated: frozenset[int], kinds: tuple[bool, bool]) -> tuple[str, list[int]]:
    """A text without its repeated units, and how many lines and how many paragraphs it loses.

    Args:
        text: single blank lines are between its paragraphs.
        repeated: hashes of units.
        kinds: whether lines, and whether paragraphs are looked at.
    """
    lost = [0, 0]
    stays: list[str] = []
    for paragraph in text.split("\n\n"):
        if kinds[PARAGRAPH] and unit_hash(paragraph, PARAGRAPH) in repeated:
            lost[PARAGRAPH] += 1
            continue
        lines = paragraph.split("\n")
        left = [line for line in lines if unit_hash(line, LINE) not in repeated] if kinds[LINE] else lines
        lost[LINE] += len(lines) - len(left)
        if left:
            stays.append("\n".join(left))
    return "\n\n".join(stays), lost


def chunk_units(folder: Path, repeated: Repeated) -> NDArray[np.uint64]:
    """The repeated units that a chunk has, sorted."""
    found = np.unique(read_units(folder)[1])
    return found[in_sorted(found, repeated.hashes)]


def _of_different(folders: Sequence[Path], starts: NDArray[np.int64], different: NDArray[np.bool_]) -> Iterator[NDArray[np.uint64]]:
    """The units of each chunk, once for each document that is the first of its equals."""
    for folder, start in zip(folders, starts.tolist(), strict=False):
        rows, units = read_units(folder)
        yield units[different[rows + start]]
