"""The gate: whether a challenger is promoted. Pure arithmetic on scores; nothing is read or written.

Without a champion, absolute thresholds of the recipe decide: the mean of the metric must reach a minimum that itself lies
above every gated baseline, and each of those must be beaten example by example. With a champion, the challenger must beat
the champion on the same examples. "Beat" means: the lower end of the two-sided percentile interval of a paired bootstrap of
the mean difference lies above zero (Koehn 2004, "Statistical significance tests for machine translation evaluation"). At the
usual 95 % the chance of promoting a model that is no better is therefore 2.5 %.
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
"""Resamples are drawn in this many blocks: 100 draws of 10,000 examples are 8 MB."""


@dataclass(frozen=True)
class GateDecision:
    """What the gate says."""

    promote: bool
    """Whether the challenger becomes champion."""

    reasons: tuple[str, ...]
    """Why not, one sentence for each rule that failed; or why, one for each rule that was met."""

    figures: dict[str, float] = field(default_factory=dict)
    """The numbers behind the reasons."""


@dataclass
class _Findings:
    """Reasons and figures as the rules are gone through."""

    met: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def rule(self, holds: bool, sentence: str) -> None:
        """Note a rule that was met or failed."""
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
    findings.rule(len(own) >= gate.min_examples, f"{len(own)} test examples, at least {gate.min_examples} are asked for")
    if not own:
        return findings.decision()
    findings.rule(
        report.distinct >= gate.min_distinct,
        f"{report.distinct:.1%} of the outputs are distinct, at least {gate.min_distinct:.0%} are asked for",
    )
    if champion is None:
        _absolute(gate, report, own, findings)
    else:
        _against_champion(gate, report, champion, own, findings)
    return findings.decision()


def _absolute(gate: Gate, report: Scores, own: Sequence[float], findings: _Findings) -> None:
    """Rules for the first champion."""
    mean = _mean(own)
    findings.rule(mean >= gate.minimum, f"{gate.metric} {mean:.2f}, at least {gate.minimum:.2f} is asked for")
    for name in gate.beats:
        theirs = _values(report, name, gate.metric)
        level = _mean(theirs)
        findings.rule(
            gate.minimum > level,
            f"the gate's minimum {gate.minimum:.2f} must lie above baseline {name} at {level:.2f}",
        )
        _beat(gate, own, theirs, name, f"baseline {name}", findings)


def _against_champion(gate: Gate, report: Scores, champion: Scores, own: Sequence[float], findings: _Findings) -> None:
    """The rule once there is a champion."""
    if champion.examples != report.examples:
        raise BadInput(
            "the champion was scored on other examples than the challenger",
            "both on the test split of the challenger's corpus",
            "evaluate the champion on the challenger's corpus with the same evaluation params",
        )
    theirs = dict(zip(champion.ids, _values(champion, MODEL, gate.metric), strict=True))
    _beat(gate, own, [theirs[example] for example in report.ids], "champion", "the champion", findings)


def _beat(gate: Gate, own: Sequence[float], theirs: Sequence[float], key: str, name: str, findings: _Findings) -> None:
    """Note the paired difference and whether its lower bound lies above zero."""
    low, high = paired_interval(own, theirs, gate.confidence)
    difference = _mean(own) - _mean(theirs)
    findings.figures |= {
        f"{key}.{gate.metric}": _mean(theirs),
        f"{key}.difference": difference,
        f"{key}.difference_low": low,
        f"{key}.difference_high": high,
    }
    findings.rule(
        low > 0,
        f"{gate.metric} differs from {name} by {difference:+.2f} "
        f"({gate.confidence:.0%} interval {low:+.2f} to {high:+.2f}), which must lie above zero",
    )


def paired_interval(own: Sequence[float], theirs: Sequence[float], confidence: float) -> tuple[float, float]:
    """Two-sided percentile interval of the mean of ``own - theirs``, both in the order of the same examples.

    Args:
        own: one value for each example, at least one.
        theirs: as many, in the same order.
        confidence: share of resampled means inside the interval, e.g. 0.95.
    """
    import numpy as np

    differences = np.asarray(own, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    picks = np.random.default_rng(SEED)
    count = len(differences)
    blocks = [differences[picks.integers(0, count, (RESAMPLES // BLOCKS, count))].mean(axis=1) for _ in range(BLOCKS)]
    means = np.concatenate(blocks)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _values(scores: Scores, system: str, metric: str) -> tuple[float, ...]:
    """One value for each example of one system."""
    if system not in scores.values:
        raise unknown_name("baseline in the gate", system, [name for name in scores.values if name != MODEL])
    if metric not in scores.values[system]:
        raise unknown_name("metric in the gate", metric, scores.values[system])
    return scores.values[system][metric]


def _mean(values: Sequence[float]) -> float:
    """Arithmetic mean, 0 for nothing."""
    return sum(values) / len(values) if values else 0.0
