"""What evaluation asks of a task: one object that says how its answers are compared, with what, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.nearest import FindNearest
    from pipeline.metrics.base import Answer, AnswerKind, Metric


KNOWN = 20_000
"""Training documents that baselines learn from, at most."""


@dataclass(frozen=True)
class Scoring:
    """How the answers of a task are scored and shown."""

    answers: AnswerKind
    """What an answer is."""

    metrics: tuple[str, ...]
    """Names from `pipeline.metrics.METRICS`, in the order in which the report shows them."""

    primary: str
    """The metric that decides, by which systems are ordered and examples are shown."""

    baselines: tuple[str, ...]
    """Names from `pipeline.evaluation.baselines.BASELINES`: the systems that every report shows beside the model."""

    beats: tuple[str, ...]
    """Baselines that a first champion must beat, unless the gate of the recipe names others."""

    reference: Callable[[Document], Answer]
    """The expected answer of a document; None if it has none, and so is no example."""

    show: Callable[[Answer], str] = str
    """An answer as text, for reports."""

    known: int = KNOWN
    """Training documents that baselines learn from, at most."""

    nearest: FindNearest | None = None
    """Finds nearest neighbours, for a task whose model gives vectors."""

    @property
    def written(self) -> bool:
        """Whether answers are written texts: then their variety and length say something."""
        return self.answers == "text"

    @property
    def separable(self) -> bool:
        """Whether the answer to an example is the same whatever else is asked; not so for a choice among the texts of all examples."""
        return self.answers != "choice"

    def metric(self, name: str, field: str) -> Metric:
        """A metric that compares such answers.

        Args:
            name: of the metric.
            field: of the recipe that names it, for the message.

        Raises:
            BadInput: there is no such metric, or it compares other answers.
        """
        metric = load_metric(name)
        if self.answers not in metric.answers:
            kinds = ", ".join(sorted(metric.answers))
            raise BadInput(f"metric {name} for answers of kind {self.answers}", kinds, f"remove it from {field}")
        return metric

    def with_metrics(self, more: Sequence[str]) -> Scoring:
        """This scoring with further metrics.

        Raises:
            BadInput: a metric does not compare such answers.
        """
        for name in more:
            self.metric(name, "evaluation.metrics")
        return replace(self, metrics=tuple(dict.fromkeys((*self.metrics, *more))))
