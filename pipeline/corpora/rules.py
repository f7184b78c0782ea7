"""Ask the rules of a recipe about a corpus: what each one found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipeline.artifacts.manifest import Frozen
from pipeline.corpora import DATA_RULES
from pipeline.corpora.drift import corpus_drift
from pipeline.errors import BadInput
from pipeline.recipe.data_checks import DRIFT, FALSE_ALARMS, LEAST_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpora.facts import CorpusFacts
    from pipeline.recipe.data_checks import DataRule

NOT_ASKED = "nothing to compare with"


class Finding(Frozen):
    """What one rule found."""

    rule: str
    """The rule in a few words."""

    level: str
    """``warn`` or ``stop``."""

    met: bool

    value: str
    """What was found, as a person reads it."""

    limit: str
    """What is allowed."""

    fix: str = ""
    """What to do where it is not met."""

    @property
    def verdict(self) -> str:
        """One word: ``met``, ``warning`` or ``stopped``."""
        return "met" if self.met else "warning" if self.level == "warn" else "stopped"


@dataclass(frozen=True)
class Looked:
    """A corpus that rules are asked about."""

    folder: Path
    counts: Mapping[str, int]
    """Counts of its manifest."""

    facts: CorpusFacts

    compared: Mapping[str, tuple[Path, Mapping[str, int]]] = field(default_factory=dict)
    """``previous`` and ``champion`` → folder and counts of these corpora, where there are any."""


class RuleValue(Protocol):
    """What a rule looks at: an entry of `pipeline.corpora.DATA_RULES`."""

    def __call__(self, rule: DataRule, looked: Looked) -> tuple[float, str]:
        """The value that ``min`` and ``max`` of the rule are about, and how a person reads it; NaN where there is nothing to look at.

        Raises:
            BadInput: the corpus cannot be asked this.
        """


def ask(rules: tuple[DataRule, ...], looked: Looked) -> list[Finding]:
    """Ask every rule.

    Raises:
        BadInput: a rule asks about languages or classes, and the corpus has none.
    """
    return [_drift(rule, looked) if rule.rule == DRIFT else _value(rule, looked) for rule in rules]


def refuse(findings: list[Finding], where: str) -> None:
    """End a run whose corpus does not meet a rule of the level ``stop``.

    Args:
        findings: of all rules.
        where: how a person shows the corpus.

    Raises:
        BadInput: names the first of these rules, its value, its limit and what to do.
    """
    stopped = [found for found in findings if found.verdict == "stopped"]
    if stopped:
        first = stopped[0]
        more = f" (and {len(stopped) - 1} more rules are not met)" if len(stopped) > 1 else ""
        raise BadInput(f"data.checks: {first.rule} is {first.value}{more}", first.limit, f"{first.fix}; see `{where}`")


def _value(rule: DataRule, looked: Looked) -> Finding:
    asked: RuleValue = DATA_RULES.load(rule.rule)
    value, shown = asked(rule, looked)
    low = 1.0 if rule.rule == "required" and rule.min is None and rule.max is None else rule.min
    if math.isnan(value):
        return Finding(rule=rule.title, level=rule.level, met=True, value=NOT_ASKED, limit=_limit(rule, low))
    met = (low is None or value >= low) and (rule.max is None or value <= rule.max)
    limit = "min" if low is not None and value < low else "max"
    fix = f"correct the source, or change {limit} of this rule in the recipe"
    return Finding(rule=rule.title, level=rule.level, met=met, value=shown, limit=_limit(rule, low), fix=fix)


SHARES = {"required", "share", "class_share", "language", "source", "change"}


def _limit(rule: DataRule, low: float | None) -> str:
    def show(value: float) -> str:
        return f"{value:.4g}" if rule.rule not in SHARES else f"{100 * value:.4g} %"

    if low is not None and rule.max is not None:
        return f"{show(low)} to {show(rule.max)}"
    return f"at least {show(low)}" if low is not None else f"at most {show(rule.max or 0.0)}"


def _drift(rule: DataRule, looked: Looked) -> Finding:
    """The comparison of texts with another corpus."""
    rate = rule.false_alarms if rule.false_alarms is not None else FALSE_ALARMS
    least = rule.least_distance if rule.least_distance is not None else LEAST_DISTANCE
    limit = f"no difference of {least:g} or more, with a false alarm in {rate:.2g} of cases"
    other = looked.compared.get(rule.of or "")
    shifts = corpus_drift(other[0], looked.folder, rate, least) if other else None
    if shifts is None:
        said = "too few documents to compare" if other else NOT_ASKED
        return Finding(rule=rule.title, level=rule.level, met=True, value=said, limit=limit)
    crossed = sorted((one for one in shifts if one.crossed), key=lambda one: -one.distance)
    if crossed:
        value = ", ".join(
            f"{one.feature.replace('_', ' ')} {one.distance:.2f} (median {one.before:.3g} → {one.now:.3g})" for one in crossed
        )
    else:
        value = f"none (largest distance {max(one.distance for one in shifts):.2f})"
    fix = "look at `trainshed data diff`, and correct the source or raise least_distance of this rule"
    return Finding(rule=rule.title, level=rule.level, met=not crossed, value=value, limit=limit, fix=fix)
