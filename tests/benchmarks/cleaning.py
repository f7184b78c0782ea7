"""How fast each block of cleaning is, on one core: documents and megabytes a second, on short and on long texts of this Python."""

from __future__ import annotations

import inspect
import statistics
import time
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING, Any

from benchmarks.in_turn import interleaved
from benchmarks.names import names_rows

from pipeline.corpus.cleaning import BLOCKS
from pipeline.corpus.cleaning.base import Candidate
from pipeline.corpus.normalise import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHORT, LONG = 4000, 120
"""Documents that are measured: paragraphs of Python's documentation, and its pages and modules."""

NEEDED: dict[str, dict[str, Any]] = {
    "language": {"keep": ["en"]},
    "scripts": {"keep": ["Latin"]},
    "blocklist": {"words": [f"word{number}" for number in range(1000)]},
    "license": {"allow": ["MIT"]},
}
"""Fields without a default."""


def cleaning_rows() -> list[tuple[str, str, str]]:
    """A row for each block, and one for normalisation."""
    short, long = short_texts(), long_texts()
    vocabulary = sorted({word for text in short for word in text.lower().split() if word.isalpha()})
    works: dict[str, Callable[[str], Any]] = {"normalisation, whitespace collapsed": clean_text}
    for kind in BLOCKS:
        if kind == "names":
            continue  # it needs a model
        fields = {"words": vocabulary} if kind == "vocabulary" else NEEDED.get(kind, {})
        works[f"`{kind}`"] = _work(BLOCKS.load(kind).model_validate({"kind": kind, **fields}))
    works["`private`, with `phone_regions: [DE, US]`"] = _work(
        BLOCKS.load("private").model_validate({"kind": "private", "phone_regions": ["DE", "US"]})
    )
    shape = ", ".join(f"{len(texts):,} of {statistics.median(map(len, texts)):,.0f} characters" for texts in (short, long))
    rows = [("texts: documents, median length; short, then long", shape, "")]
    for name, work in works.items():
        taken = [
            statistics.median(times)
            for times in interleaved(lambda work=work: _seconds(work, short), lambda work=work: _seconds(work, long))
        ]
        figures = [
            f"{_rounded(len(texts) / seconds)} documents/s, {sum(map(len, texts)) / 1e6 / seconds:.3g} MB/s"
            for texts, seconds in zip((short, long), taken, strict=True)
        ]
        rows.append((name, "; ".join(figures), ""))
    return rows + names_rows(short, long)


def short_texts() -> list[str]:
    """Paragraphs of Python's documentation."""
    found = [clean_text(part) for topic in sorted(topics) for part in topics[topic].split("\n\n")]
    chosen = [part for part in found if len(part) >= 20]
    return [chosen[index * 7919 % len(chosen)] for index in range(SHORT)]


def long_texts() -> list[str]:
    """Modules of Python's standard library and pages of its documentation."""
    library = sorted(Path(inspect.getfile(inspect)).parent.glob("*.py"))
    texts = [path.read_text(encoding="utf-8", errors="ignore") for path in library] + [topics[topic] for topic in sorted(topics)]
    chosen = [clean_text(text) for text in texts if len(text) >= 8000]
    return [chosen[index * 7919 % len(chosen)] for index in range(LONG)]


def _work(block: Any) -> Callable[[str], Any]:
    step = block.start(Path())
    return (lambda text: step.judge(Candidate(text))) if block.stage == "filter" else step.change


def _seconds(work: Callable[[str], Any], texts: Sequence[str]) -> float:
    began = time.perf_counter()
    for text in texts:
        work(text)
    return time.perf_counter() - began


def _rounded(figure: float) -> str:
    """Three digits."""
    return f"{float(f'{figure:.3g}'):,.0f}"
