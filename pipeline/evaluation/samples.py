"""Examples of a split with what every system answered, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.labels import classes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.evaluation.results import SplitResult
    from pipeline.evaluation.scoring import Scoring
    from pipeline.metrics.base import Metric


class Written(NamedTuple):
    """One answer in a sample."""

    answer: str
    note: str
    """Its score, or whether it is right."""

    verdict: str
    """``right`` or ``wrong`` where an answer can only be one of them, else empty."""


class Sample(NamedTuple):
    """One example."""

    name: str
    source: str
    pair: str | None
    reference: str
    written: Mapping[str, Written]
    """System → answer."""


def choose_samples(result: SplitResult, scoring: Scoring, primary: Metric, shown: int) -> list[Sample]:
    """At most ``shown`` examples, evenly spread over the split; examples are in order of their ids, which are arbitrary."""
    count = len(result.examples.documents)
    wanted = min(count, shown)
    return [_sample(result, scoring, primary, index * count // wanted) for index in range(wanted)]


def _sample(result: SplitResult, scoring: Scoring, primary: Metric, index: int) -> Sample:
    document, reference = result.examples.documents[index], result.examples.references[index]
    written = {system: _written(result, scoring, primary, system, index) for system in result.predictions}
    return Sample(document.name, document.text, document.pair, scoring.show(reference), written)


def _written(result: SplitResult, scoring: Scoring, primary: Metric, system: str, index: int) -> Written:
    prediction, reference = result.predictions[system][index], result.examples.references[index]
    answer = "" if scoring.answers == "none" else scoring.show(prediction.answer)
    if scoring.answers in ("label", "labels"):
        right = classes_of(prediction.answer) == classes_of(reference)
        probability = (prediction.scores or {}).get(answer)
        return Written(answer, "" if probability is None else f"{probability:.0%}", "right" if right else "wrong")
    rows = result.statistics[system].get(primary.name) if primary.per_example else None
    return Written(answer, "" if rows is None else primary.show(float(primary.value(rows[index]))), "")
