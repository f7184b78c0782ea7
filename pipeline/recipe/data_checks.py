"""Rules about a corpus: what it has to look like before anything is trained on it. Part of no corpus's fingerprint."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.section import Section

PREVIOUS, CHAMPION = "previous", "champion"
OF = {
    "required": ("pair", "target", "name", "group"),
    "language": (),
    "source": (),
    "share": (),
    "change": (PREVIOUS, CHAMPION),
    "drift": (PREVIOUS, CHAMPION),
}
"""Rules that need ``of``, with its values; empty where any name is valid."""

DRIFT = "drift"
OWN = frozenset(
    {"documents", "mean_length", "bytes", "required", "share", "class_documents", "class_share", "language", "source", "change", DRIFT}
)
"""Rules of this project; those of installed packages take any ``of``."""

COUNTS = ("kept", "duplicate", "filtered", "quarantined", "train", "validation", "test", "held_out")
"""What a share of the records read may be asked of; also each reason of the filter."""

LEAST_DISTANCE = 0.1
FALSE_ALARMS = 0.01


class DataRule(Section):
    """One rule. A value outside ``min`` to ``max`` does not meet it."""

    rule: str
    """What is looked at: ``drift``, or a name from `pipeline.corpora.DATA_RULES` (docs/data.md)."""

    of: str | None = None
    """``required``: a field. ``share``: a count, e.g. ``duplicate`` or ``filtered_too_short``. ``language``: its code. ``source``: its name in ``data.sources``. ``change`` and ``drift``: ``previous`` or ``champion``."""

    min: float | None = None
    """The least value; shares are from 0 to 1."""

    max: float | None = None
    """The largest value."""

    false_alarms: float | None = Field(None, gt=0, lt=0.5)
    """``drift``: probability of an alarm while the texts do not change. None: 0.01."""

    least_distance: float | None = Field(None, ge=0, lt=1)
    """``drift``: a smaller difference is no alarm, however certain. None: 0.1."""

    level: Literal["warn", "stop"] = "stop"
    """``stop`` ends the run before anything is trained; ``warn`` says it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse what the rule does not take; the messages say what is expected."""
        allowed = OF.get(self.rule)
        if self.rule in OWN and (self.of is None) != (allowed is None):
            raise ValueError(f"{'of' if allowed is not None else 'no of'} in a rule {self.rule}")
        if allowed and self.of not in allowed:
            raise ValueError(f"of: {' or '.join(allowed)} in a rule {self.rule}")
        if self.rule == "share" and self.of not in COUNTS and not str(self.of).startswith("filtered_"):
            raise ValueError(f"of: {', '.join(COUNTS)} or filtered_REASON in a rule share")
        if self.rule == DRIFT:
            if self.min is not None or self.max is not None:
                raise ValueError("false_alarms and least_distance in a rule drift, and neither min nor max")
        elif self.false_alarms is not None or self.least_distance is not None:
            raise ValueError(f"neither false_alarms nor least_distance in a rule {self.rule}")
        elif self.min is None and self.max is None and self.rule != "required":
            raise ValueError(f"min or max in a rule {self.rule}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"a min that is not above max in a rule {self.rule}")
        return self

    @property
    def title(self) -> str:
        """The rule in a few words, e.g. ``share of duplicate``."""
        words = {"class_documents": "documents of a class", "class_share": "share of a class"}.get(self.rule, self.rule.replace("_", " "))
        joint = "from" if self.rule in {"change", DRIFT} else "of"
        return f"{words} {joint} {self.of}" if self.of else words


class DataChecks(Section):
    """Look at each corpus before anything is trained on it: a page, a card, and rules."""

    rules: tuple[DataRule, ...] = ()
    """The rules. Without any, there are only the page and the card."""

    @property
    def compares(self) -> frozenset[str]:
        """The corpora that rules compare with: ``previous``, ``champion``."""
        return frozenset(rule.of for rule in self.rules if rule.rule in {"change", DRIFT} and rule.of)
