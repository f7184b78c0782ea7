"""The gate: whether a challenger is promoted. Pure arithmetic on statistics; it reads and writes nothing.

Without a champion, the thresholds of the recipe decide: the metric must reach the threshold, and the challenger must beat every gated
baseline. With a champion, the challenger must beat the champion on the same examples. "Beat" means: a paired bootstrap of the
difference gives a two-sided percentile interval whose lower end is above zero; the difference counts in the direction in which the
metric is better. Whole groups of examples are drawn (see `pipeline.metrics.bootstrap`). With the usual 95 %, one decision promotes a
model that is no better with a chance of 2.5 %, as far as the groups are independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, unknown_name
from pipeline.registry.scores import MODEL, Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.metrics.base import Metric
    from pipeline.recipe.gate import Gate

RESAMPLES = 5000
SEED = 0
MIN_DISTINCT = 0.8
"""Minimum share of distinct answers of tasks that write text, where the recipe names none."""


@dataclass(frozen=True)
class GateDecision:
    """The answer of the gate."""

    promote: bool
    """Whether the challenger becomes champion."""

    reasons: tuple[str, ...]
    """One sentence for each failed rule; if none failed, one for each rule that was met."""

    figures: dict[str, float] = field(default_factory=dict)
    """The numbers behind the reasons."""


@dataclass
class _Findings:
    """Reasons and figures, collected rule by rule."""

    met: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def record(self, holds: bool, sentence: str) -> None:
        """Record a rule that was met or failed."""
        (self.met if holds else self.failed).append(sentence)

    def decision(self) -> GateDecision:
        """Promote if no rule failed."""
        return GateDecision(not self.failed, tuple(self.failed or self.met), self.figures)


def decide(gate: Gate, report: Scores, champion: Scores | None) -> GateDecision:
    """Apply the rules of ``gate``.

    Args:
        gate: the recipe's rules.
        report: the challenger's scores.
        champion: the champion's scores on the same examples; None when there is no champion.

    Raises:
        BadInput: the gate names a metric or baseline the report does not have, or the reports cannot be paired.
    """
    metric, findings = _metric(gate, report), _Findings()
    own = _statistics(report, MODEL, metric.name)
    _check_sizes(gate, report, findings)
    if not len(own):
        return findings.decision()
    findings.figures[metric.name] = score(metric, own)
    _check_distinct(gate, report, findings)
    if champion is None:
        _check_first_champion(gate, report, metric, own, findings)
    else:
        _compare_with_champion(gate, report, champion, metric, own, findings)
    return findings.decision()


def _check_sizes(gate: Gate, report: Scores, findings: _Findings) -> None:
    """Record whether there are enough examples, and enough groups of them."""
    examples, groups = len(report.ids), count_groups(report.groups)
    findings.figures |= {"examples": examples, "groups": groups}
    findings.record(examples >= gate.min_examples, f"{examples} test examples (minimum {gate.min_examples})")
    if groups < examples:
        findings.record(groups >= gate.min_groups, f"{groups} groups of test examples (minimum {gate.min_groups})")


def _check_distinct(gate: Gate, report: Scores, findings: _Findings) -> None:
    """Record whether the answers differ enough from each other, if they are texts."""
    if report.distinct is None:
        if gate.min_distinct is not None:
            raise BadInput("min_distinct in the gate of a task that writes no text", "", "remove min_distinct")
        return
    minimum = MIN_DISTINCT if gate.min_distinct is None else gate.min_distinct
    findings.figures["distinct"] = report.distinct
    findings.record(report.distinct >= minimum, f"{report.distinct:.1%} of the outputs are distinct (minimum {minimum:.0%})")


def _check_first_champion(gate: Gate, report: Scores, metric: Metric, own: NDArray[Any], findings: _Findings) -> None:
    """Record the rules for the first champion."""
    if gate.threshold is not None:
        value, word = score(metric, own), "minimum" if metric.higher_is_better else "maximum"
        shown, limit = metric.show(value, more=1), metric.show(gate.threshold, more=1)
        findings.record(metric.sign * (value - gate.threshold) >= 0, f"{metric.name} is {shown} ({word} {limit})")
    for name in report.beats if gate.beats is None else gate.beats:
        other = _statistics(report, name, metric.name)
        _compare(gate, report, metric, own, other, name, f"baseline {name}", findings)


def _compare_with_champion(gate: Gate, report: Scores, champion: Scores, metric: Metric, own: NDArray[Any], findings: _Findings) -> None:
    """Record the rule that holds once there is a champion."""
    if champion.examples != report.examples:
        raise BadInput(
            "the champion was scored on other examples than the challenger",
            "the test split of the challenger's corpus for both",
            "evaluate the champion on the challenger's corpus with the same evaluation params",
        )
    places = {example: place for place, example in enumerate(champion.ids)}
    other = _statistics(champion, MODEL, metric.name)[[places[example] for example in report.ids]]
    _compare(gate, report, metric, own, other, "champion", "the champion", findings)


def _compare(
    gate: Gate, report: Scores, metric: Metric, own: NDArray[Any], other: NDArray[Any], key: str, name: str, findings: _Findings
) -> None:
    """Record the paired improvement, and whether the lower end of its interval is above zero."""
    low, high = paired_interval(metric, own, other, report.groups, gate.confidence)
    ahead = metric.sign * (score(metric, own) - score(metric, other))
    findings.figures |= {
        f"{key}.{metric.name}": score(metric, other),
        f"{key}.difference": ahead,
        f"{key}.difference_low": low,
        f"{key}.difference_high": high,
    }
    shown, low_shown, high_shown = (metric.show(value, signed=True, more=1) for value in (ahead, low, high))
    groups = count_groups(report.groups)
    units = f"{groups} groups" if groups < len(own) else f"{groups} examples"
    findings.record(
        low > 0,
        f"{metric.name} improves on {name} by {shown} "
        f"({gate.confidence:.0%} interval {low_shown} to {high_shown} from {units}, must be above zero)",
    )


def score(metric: Metric, statistics: NDArray[Any]) -> float:
    """The metric's value of all examples."""
    return float(metric.value(statistics.sum(axis=0)))


def count_groups(groups: tuple[str, ...]) -> int:
    """Number of groups; an example with an empty one is a group of its own."""
    return len(set(groups) - {""}) + groups.count("")


def paired_interval(
    metric: Metric, own: NDArray[Any], other: NDArray[Any], groups: tuple[str, ...], confidence: float
) -> tuple[float, float]:
    """Two-sided percentile interval of how far ``own`` is ahead of ``other``, paired by drawing the same groups for both.

    Args:
        metric: what is compared.
        own: [examples, k] statistics, at least one row.
        other: the statistics of the same examples in the same order; its k may differ.
        groups: group of each example.
        confidence: share of resampled differences inside the interval, e.g. 0.95.
    """
    from pipeline.metrics.bootstrap import Bootstrap, interval

    mine, theirs = Bootstrap(groups, RESAMPLES, SEED).values([(own, metric.value), (other, metric.value)])
    return interval(metric.sign * (mine - theirs), confidence)


def _metric(gate: Gate, report: Scores) -> Metric:
    """The metric that decides."""
    from pipeline.metrics.load_metric import load_metric

    name = gate.metric or report.primary
    known = report.statistics.get(MODEL, {})
    if name not in known:
        raise unknown_name("metric in the gate", name, known)
    return load_metric(name)


def _statistics(scores: Scores, system: str, metric: str) -> NDArray[Any]:
    """The rows of one system, one for each example."""
    if system not in scores.statistics:
        raise unknown_name("baseline in the gate", system, [name for name in scores.statistics if name != MODEL])
    if metric not in scores.statistics[system]:
        raise BadInput(f"the report has no {metric} of {system}", "", "change the metric or the baselines in the gate")
    return scores.statistics[system][metric]
