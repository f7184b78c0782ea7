"""What evaluation asks of a task: one object that says how its answers are compared, with what, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.evaluation.baselines import BASELINES
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Answer, AnswerKind


@dataclass(frozen=True)
class Scoring:
    """How the answers of a task are scored and shown."""

    answers: AnswerKind
    """What an answer is."""

    metrics: tuple[str, ...]
    """Names from `pipeline.metrics.METRICS`, in the order in which the report shows them."""

    primary: str
    """The metric that decides, by which systems are ordered and examples are shown."""

    baselines: Mapping[str, str]
    """Name → ``module:Object`` of a `Baseline`: the systems that every report shows beside the model."""

    beats: tuple[str, ...]
    """Baselines that a first champion must beat, unless the gate of the recipe names others."""

    reference: Callable[[Document], Answer]
    """The expected answer of a document; None if it has none, and so is no example."""

    show: Callable[[Answer], str] = str
    """An answer as text, for reports."""

    @property
    def written(self) -> bool:
        """Whether answers are written texts: then their variety and length say something."""
        return self.answers == "text"

    def with_metrics(self, more: Sequence[str]) -> Scoring:
        """This scoring with further metrics.

        Raises:
            BadInput: a metric does not compare such answers.
        """
        for metric in map(load_metric, more):
            if self.answers not in metric.answers:
                kinds = ", ".join(sorted(metric.answers))
                raise BadInput(f"metric {metric.name} for answers of kind {self.answers}", kinds, "remove it from evaluation.metrics")
        return replace(self, metrics=tuple(dict.fromkeys((*self.metrics, *more))))


def named_baselines(*names: str) -> dict[str, str]:
    """Entries of the table of baselines, by name."""
    return {name: BASELINES[name] for name in names}
