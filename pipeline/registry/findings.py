"""What the gate found, collected rule by rule, and the decision that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.registry.rule_result import RuleResult


@dataclass(frozen=True)
class GateDecision:
    """The answer of the gate."""

    promote: bool
    """Whether the challenger becomes champion."""

    reasons: tuple[str, ...]
    """One sentence for each failed rule; if none failed, one for each rule that was met."""

    figures: dict[str, float] = field(default_factory=dict)
    """The numbers behind the reasons."""

    rules: tuple[RuleResult, ...] = ()
    """Every rule with its figures, in the order in which they were asked."""


@dataclass
class Findings:
    """Reasons, figures and rules."""

    met: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    rules: list[RuleResult] = field(default_factory=list)

    def record(self, holds: bool, sentence: str, rule: str = "", **row: Any) -> None:  # noqa: ANN401 - the fields of a RuleResult
        """Record a rule that was met or failed.

        Args:
            holds: whether it was met.
            sentence: what was found, for the log, MLflow and the ledger.
            rule: what was asked, in a few words for the table; by default the sentence.
            row: further fields of its `RuleResult`.
        """
        (self.met if holds else self.failed).append(sentence)
        self.rules.append(RuleResult(rule=rule or sentence, met=holds, **row))

    def decision(self) -> GateDecision:
        """Promote if no rule failed."""
        return GateDecision(not self.failed, tuple(self.failed or self.met), self.figures, tuple(self.rules))
