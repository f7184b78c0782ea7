"""The recipe's ``data.decontamination`` and ``data.test_source`` sections: texts that training must not contain, and what must hold for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from pipeline.recipe.sources_checks import same_place
from pipeline.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.recipe.data import Data, Source  # noqa: TC004 - that module gives it to these sections
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe

TEST_SOURCE = "test_source"
"""How counts and files call the frozen test set beside the benchmarks."""

FIELD = "data.decontamination"


class Benchmark(Section):
    """One named set of test texts."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,40}$")
    """What counts call it: lower-case letters, digits and ``_``."""

    source: Source
    """Where its texts come from. ``columns`` names its texts: ``text``, and perhaps ``pair`` and ``target``. A list is every text in it."""


class Decontamination(Section):
    """Leave documents out of training and validation that share runs of words with test sets and benchmarks."""

    against: tuple[Benchmark, ...] = ()
    """The benchmarks. ``data.test_source`` is one of them by itself."""

    ngram: int = Field(13, ge=5, le=50)
    """Words in a run. Of a shorter text all words are one run, from 8 words on; a still shorter one has to be the whole document."""

    share: float | None = Field(None, gt=0, le=1)
    """Share of the runs of one text of a benchmark that a document has to contain. None: one run is enough."""

    most_documents: int | None = Field(None, ge=1)
    """Runs that more documents of the corpus contain do not count: they are licences, templates and phrases. None: every run counts."""


def without_test_texts(data: Data) -> Data:
    """The same section without test source and benchmarks."""
    return data.model_copy(update={"test_source": None, "decontamination": None})


def decontamination_problem(recipe: Recipe) -> Problem:
    """What is wrong with the two sections, apart from the settings of their sources; None if nothing is."""
    rules = recipe.data.decontamination
    if rules is not None:
        if not rules.against and recipe.data.test_source is None:
            return f"{FIELD} without anything to look for", f"{FIELD}.against, or data.test_source", "add one of them, or remove it"
        names = [TEST_SOURCE, *(each.name for each in rules.against)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice == TEST_SOURCE:
            return f"{FIELD}.against names {TEST_SOURCE!r}", "another name: data.test_source is always looked for", "rename it"
        if twice:
            return f"{FIELD}.against names {twice!r} twice", "each name once", "rename one of them"
    for field, source in test_sources(recipe.data):
        if source.partitions is not None or source.partition is not None:
            return f"{field}.partitions: test texts that change with each run", "a source without partitions", f"remove {field}.partitions"
        same = next((part for part in recipe.data.parts if same_place(part.source, source)), None)
        if same:
            return f"{field} is {same.field} itself", "another source", f"correct {field}"
    return None


def test_sources(data: Data) -> Iterator[tuple[str, Source]]:
    """The sources of test texts, each with the name of its field."""
    if data.test_source is not None:
        yield "data.test_source", data.test_source
    for place, each in enumerate(data.decontamination.against if data.decontamination else ()):
        yield f"{FIELD}.against.{place}.source", each.source
