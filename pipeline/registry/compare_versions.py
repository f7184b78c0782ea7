"""Compare the scores of two versions on the same examples, as the gate does: paired, with groups of examples as the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.metrics import METRICS
from pipeline.metrics.load_metric import load_metric
from pipeline.metrics.paired_difference import PairedDifference, paired_difference
from pipeline.registry.gate import score
from pipeline.registry.scores import MODEL

if TYPE_CHECKING:
    from pipeline.metrics.base import Metric
    from pipeline.registry.scores import Scores

TAIL = 0.025
"""Of the 95 % intervals: the probability beyond each end."""


class ComparedMetric(NamedTuple):
    """Two versions by one metric."""

    metric: Metric
    first: float
    second: float

    ahead: PairedDifference
    """How far the second version is ahead of the first."""

    @property
    def verdict(self) -> str:
        """What the 95 % interval says, in a word or two."""
        interval = self.ahead.interval(TAIL)
        if interval is None:
            return "too few differ"
        if not self.ahead.value and not self.ahead.error:
            return "equal"
        return "better" if interval.low > 0 else "worse" if interval.high < 0 else "not clear"


def compare_scores(first: Scores, second: Scores) -> list[ComparedMetric]:
    """Compare by every metric that both reports have, the task's primary one first.

    Args:
        first: scores of one version.
        second: scores of the other.

    Raises:
        BadInput: the reports are about different examples, or there is none.
    """
    if first.examples != second.examples or set(first.ids) != set(second.ids):
        raise BadInput("the two reports are about different test examples", "reports on one corpus by the same evaluation params")
    if not first.ids:
        raise BadInput("the test split of the corpus has no examples", "at least one", "choose versions with a larger corpus")
    places = {example: place for place, example in enumerate(first.ids)}
    order = [places[example] for example in second.ids]
    mine, theirs = first.statistics.get(MODEL, {}), second.statistics.get(MODEL, {})
    # a package that adds a metric may have been removed since
    names = sorted((set(mine) & set(theirs)).intersection(METRICS), key=lambda name: (name != second.primary, name))
    found = []
    for name in names:
        metric, before, after = load_metric(name), mine[name][order], theirs[name]
        found.append(
            ComparedMetric(metric, score(metric, [before]), score(metric, [after]), paired_difference(metric, after, before, second.groups))
        )
    return found
