"""The gate: whether a challenger is promoted. Pure arithmetic on scores; it reads and writes nothing.

Without a champion, the thresholds of the recipe decide: the mean of the metric must reach the minimum, and the challenger must beat
every gated baseline example by example. With a champion, the challenger must beat the champion on the same examples. "Beat" means: a paired bootstrap of the mean difference gives a two-sided percentile
interval whose lower end is above zero (Koehn 2004, "Statistical significance tests for machine translation evaluation"). With the
usual 95 %, the chance of promoting a model that is no better is therefore 2.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, unknown_name
from pipeline.registry.scores import MODEL, Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.recipe.gate import Gate

RESAMPLES = 5000
SEED = 0
BLOCKS = 50
"""Number of blocks in which resamples are drawn: 100 draws of 10,000 examples take 8 MB."""


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
    findings = _Findings()
    own = _values(report, MODEL, gate.metric)
    findings.figures |= {"examples": len(own), "distinct": report.distinct, gate.metric: _mean(own)}
    findings.record(len(own) >= gate.min_examples, f"{len(own)} test examples (minimum {gate.min_examples})")
    if not own:
        return findings.decision()
    findings.record(
        report.distinct >= gate.min_distinct,
        f"{report.distinct:.1%} of the outputs are distinct (minimum {gate.min_distinct:.0%})",
    )
    if champion is None:
        _check_first_champion(gate, report, own, findings)
    else:
        _compare_with_champion(gate, report, champion, own, findings)
    return findings.decision()


def _check_first_champion(gate: Gate, report: Scores, own: Sequence[float], findings: _Findings) -> None:
    """Record the rules for the first champion."""
    mean = _mean(own)
    findings.record(mean >= gate.minimum, f"{gate.metric} is {mean:.2f} (minimum {gate.minimum:.2f})")
    for name in gate.beats:
        other = _values(report, name, gate.metric)
        _compare(gate, own, other, name, f"baseline {name}", findings)


def _compare_with_champion(gate: Gate, report: Scores, champion: Scores, own: Sequence[float], findings: _Findings) -> None:
    """Record the rule that holds once there is a champion."""
    if champion.examples != report.examples:
        raise BadInput(
            "the champion was scored on other examples than the challenger",
            "the test split of the challenger's corpus for both",
            "evaluate the champion on the challenger's corpus with the same evaluation params",
        )
    other = dict(zip(champion.ids, _values(champion, MODEL, gate.metric), strict=True))
    _compare(gate, own, [other[example] for example in report.ids], "champion", "the champion", findings)


def _compare(gate: Gate, own: Sequence[float], other: Sequence[float], key: str, name: str, findings: _Findings) -> None:
    """Record the paired difference, and whether the lower end of its interval is above zero."""
    low, high = paired_interval(own, other, gate.confidence)
    difference = _mean(own) - _mean(other)
    findings.figures |= {
        f"{key}.{gate.metric}": _mean(other),
        f"{key}.difference": difference,
        f"{key}.difference_low": low,
        f"{key}.difference_high": high,
    }
    findings.record(
        low > 0,
        f"{gate.metric} differs from {name} by {difference:+.2f} "
        f"({gate.confidence:.0%} interval {low:+.2f} to {high:+.2f}, must be above zero)",
    )


def paired_interval(own: Sequence[float], other: Sequence[float], confidence: float) -> tuple[float, float]:
    """Two-sided percentile interval of the mean of ``own - other``, paired example by example.

    Args:
        own: one value for each example, at least one.
        other: as many, in the same order.
        confidence: share of resampled means inside the interval, e.g. 0.95.
    """
    import numpy as np

    differences = np.asarray(own, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    picks = np.random.default_rng(SEED)
    count = len(differences)
    blocks = [differences[picks.integers(0, count, (RESAMPLES // BLOCKS, count))].mean(axis=1) for _ in range(BLOCKS)]
    means = np.concatenate(blocks)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _values(scores: Scores, system: str, metric: str) -> tuple[float, ...]:
    """The values of one system, one for each example."""
    if system not in scores.values:
        raise unknown_name("baseline in the gate", system, [name for name in scores.values if name != MODEL])
    if metric not in scores.values[system]:
        raise unknown_name("metric in the gate", metric, scores.values[system])
    return scores.values[system][metric]


def _mean(values: Sequence[float]) -> float:
    """Arithmetic mean, 0 for nothing."""
    return sum(values) / len(values) if values else 0.0
