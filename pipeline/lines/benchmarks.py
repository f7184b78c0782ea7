"""The steps that make test texts: the frozen test set of a recipe, and the benchmarks that its training text is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.component import numbered
from pipeline.recipe.data import Data, Filter, Split

if TYPE_CHECKING:
    from pipeline.lines.steps import Origin, Step, Steps
    from pipeline.recipe import Recipe

SALT = "test texts"
"""They are not split, and do not depend on how the corpus is."""

EVERY_TEXT = Filter(min_chars=1, max_chars=8_000_000, min_letters=0, whitespace="keep")
"""Benchmarks are compared with as they are."""


class BenchmarkSteps(NamedTuple):
    """What ingestion reads beside its source."""

    test_set: Step | None
    against: list[Step]


def benchmarks(step: Steps, recipe: Recipe, names: Origin | None) -> BenchmarkSteps:
    """A step for the frozen test set, if there is one, and one for each benchmark; ``names`` is the model that finds names of people."""
    data = recipe.data
    test_set = None
    if data.test_source is not None:
        own = Data(source=data.test_source, filter=data.filter, cleaning=data.cleaning, split=Split(salt=SALT), shard_mb=data.shard_mb)
        test_set = step("test_set", own, recipe.task, source=step.pin(data.test_source, "data.test_source"), names=names)
    against = [
        step(
            "test_set",
            Data(source=each.source, filter=EVERY_TEXT, split=Split(salt=SALT)),
            None,
            step_id=numbered("benchmark", number),
            source=step.pin(each.source, f"data.decontamination.against.{number - 1}.source"),
        )
        for number, each in enumerate(data.decontamination.against if data.decontamination else (), start=1)
    ]
    return BenchmarkSteps(test_set, against)
