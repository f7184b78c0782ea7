"""A decision of the ledger as rows of text, for the terminal and for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.comparison import show_confidence

if TYPE_CHECKING:
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.registry.rule_result import RuleResult


class DecisionRow(NamedTuple):
    """One rule of the gate; a column that says nothing about it is empty."""

    metric: str
    challenger: str
    other: str
    """The value of the champion or baseline."""
    difference: str
    interval: str
    rule: str
    verdict: str
    """``met`` or ``not met``."""


NUMBERS = ("challenger", "other", "difference", "interval")
"""Columns that are aligned to the right."""

SHARES = ("distinct", "contaminated")
"""What rules ask about that is a share from 0 to 1, and no metric."""


def headings(entry: LedgerEntry) -> DecisionRow:
    """The headings of the table."""
    interval = f"{show_confidence(entry.comparison.alpha)} interval" if entry.comparison else "interval"
    other = "baseline" if entry.against is None else "champion"
    return DecisionRow("metric", "challenger", other, "difference", interval, "rule", "verdict")


def decision_rows(entry: LedgerEntry) -> list[DecisionRow]:
    """One row for each rule, in the order in which the gate asked."""
    return [_row(rule) for rule in entry.rules]


def price(entry: LedgerEntry) -> str:
    """Which comparison this was and what it may err, in one sentence; empty if nothing was compared."""
    made = entry.comparison
    if made is None:
        return ""
    whole = made.alpha / made.share
    return (
        f"Comparison {made.number} on this test set. If the model is no better, it passes with a probability of at most {made.alpha:.2g}; "
        f"any of all such models on this test set, of at most {whole:.2g}."
    )


def seed_lines(entry: LedgerEntry) -> list[str]:
    """One line for each rule that compared means of several training seeds: every seed's score, that of the registered model first."""
    return [_seed_line(rule) for rule in entry.rules if rule.seeds]


def _seed_line(rule: RuleResult) -> str:
    about = f"{rule.metric} on {rule.where}" if rule.where else rule.metric
    sides = (("challenger", rule.seeds, rule.challenger), (rule.other, rule.other_seeds, rule.other_value))
    parts = [
        f"{name} {', '.join(_show(rule, value, signed=False) for value in values)}"
        + (f" (mean {_show(rule, mean, signed=False)})" if len(values) > 1 else "")
        for name, values, mean in sides
    ]
    return f"{about} by training seed: {'; '.join(parts)}."


def _row(rule: RuleResult) -> DecisionRow:
    bounds = "" if rule.low is None or rule.high is None else f"{_show(rule, rule.low)} to {_show(rule, rule.high)}"
    return DecisionRow(
        metric=f"{rule.metric} on {rule.where}" if rule.where else rule.metric,
        challenger=_show(rule, rule.challenger, signed=False),
        other=_show(rule, rule.other_value, signed=False),
        difference=_show(rule, rule.difference),
        interval=bounds,
        rule=rule.rule,
        verdict="met" if rule.met else "not met",
    )


def _show(rule: RuleResult, value: float | None, *, signed: bool = True) -> str:
    """A value with its metric's decimals; an older entry may name a metric that this version does not have."""
    from pipeline.metrics import METRICS
    from pipeline.metrics.load_metric import load_metric

    if value is None:
        return ""
    if rule.metric in METRICS:
        return load_metric(rule.metric).show(value, signed=signed, more=1)
    if rule.metric in SHARES:
        return f"{value:.1%}"
    return f"{value:+g}" if signed else f"{value:,g}"
