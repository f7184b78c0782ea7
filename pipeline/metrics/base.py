"""What a metric is, and what it compares: references and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Answer = str | float | tuple[str, ...] | list[str] | None
"""A text or the name of a class; a number; the names of several classes; one tag for each word; None where nothing is answered."""


SIGNIFICANT = 4
"""Digits shown of a metric in the unit of the data."""


class Likelihood(NamedTuple):
    """How probable a model finds one reference."""

    nats: float
    """Negative log-likelihood, in nats, summed over the tokens."""

    tokens: int
    """Tokens it was summed over; 0 for a system that knows bytes only."""

    bytes: int
    """UTF-8 bytes these tokens stand for."""


class Prediction(NamedTuple):
    """What a system says about one example."""

    answer: Answer = None
    """The answer, of the same kind as the reference."""

    scores: Mapping[str, float] | None = None
    """Probability of each class, if the system has probabilities."""

    likelihood: Likelihood | None = None
    """Likelihood of the reference, if the system is a language model."""

    numbers: tuple[float, ...] | None = None
    """What a request is answered beside it: the probability of each tag, the vector of a text, its bits per byte. No metric reads it."""

    @property
    def tokens(self) -> int | None:
        """Number of tokens of the likelihood; None for a system without a likelihood, or without tokens."""
        return self.likelihood.tokens or None if self.likelihood else None


class Statistics(Protocol):
    """Sufficient statistics of each example."""

    def __call__(self, references: Sequence[Any], predictions: Sequence[Prediction]) -> NDArray[Any]:
        """Compute one row for each example.

        Args:
            references: what was expected, at least one.
            predictions: what a system said, in the same order.

        Returns:
            [n, k] float64: rows whose sum determines the score; the same for the same arguments. k may depend on the references.
        """


class Value(Protocol):
    """The score of summed statistics."""

    def __call__(self, totals: NDArray[Any]) -> NDArray[Any]:
        """Compute scores.

        Args:
            totals: [..., k] sums of rows.

        Returns:
            [...] one score for each sum.
        """


AnswerKind = Literal["text", "label", "labels", "number", "tags", "choice", "none"]
"""A written text; the name of a class; several names; a number; a tag for each word; a text chosen among candidates; nothing, from a
language model that is only asked how probable it finds a text."""


@dataclass(frozen=True)
class Metric:
    """One metric."""

    name: str
    """Its name in the table, in recipes and reports."""

    title: str
    """Its name for people, e.g. ``ROUGE-L``."""

    meaning: str
    """One sentence that says what is counted, on which scale, and which direction is better."""

    statistics: Statistics
    value: Value

    answers: frozenset[AnswerKind]
    """Kinds of answers that it compares."""

    higher_is_better: bool = True
    digits: int | None = 1
    """Decimals to show; None for four significant digits, where the unit is that of the data."""

    percent: bool = False
    """Whether it goes from 0 to 100, and 100 is the best."""

    needs: Literal["answer", "scores", "likelihood", "tokens"] = "answer"
    """The field of a prediction that it reads. A system without it has no such score."""

    per_example: bool = True
    """Whether the value of one example says something: the F-measure of a text does, a correlation does not."""

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1: ``sign * (a - b)`` is how far a is ahead of b."""
        return 1 if self.higher_is_better else -1

    def applies_to(self, predictions: Sequence[Prediction]) -> bool:
        """Whether every prediction has the field that this metric needs."""
        return all(getattr(prediction, self.needs) is not None for prediction in predictions)

    def show(self, value: float, *, signed: bool = False, more: int = 0) -> str:
        """A value with the metric's decimals.

        Args:
            value: a score or a difference of scores.
            signed: with a plus or minus sign.
            more: extra decimals.
        """
        sign = "+" if signed else ""
        return f"{value:{sign}.{SIGNIFICANT + more}g}" if self.digits is None else f"{value:{sign}.{self.digits + more}f}"


def means(values: Sequence[float]) -> NDArray[Any]:
    """Statistics of a plain mean: [n, 2] rows (value, 1)."""
    import numpy as np

    return np.column_stack([np.asarray(values, dtype=np.float64), np.ones(len(values))])


def mean(totals: NDArray[Any]) -> NDArray[Any]:
    """Value of a plain mean: [..., 2] → [...]."""
    return ratio(totals[..., 0], totals[..., 1])


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
    """``above / below``, and 0 where ``below`` is 0."""
    import numpy as np

    return np.asarray(np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below != 0))
