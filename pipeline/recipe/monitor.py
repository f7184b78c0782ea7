"""How a model is watched after it was promoted; part of no fingerprint."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe.data import Source
from pipeline.section import Section


class Drift(Section):
    """Whether the texts that the champion is asked about resemble the corpus that it learned from."""

    window: int = Field(500, ge=100, le=10_000)
    """Different served texts that are compared with the corpus at each look, at most."""

    least: int = Field(100, ge=100)
    """With fewer new texts nothing is compared; they wait for the next look."""

    false_alarms: float = Field(0.05, gt=0, lt=0.5)
    """Probability of any false alarm in so many windows as ``windows`` says, while the texts do not change."""

    windows: int = Field(100, ge=1)
    """Windows that share ``false_alarms``; 100 are about three months of daily looks."""

    least_distance: float = Field(0.1, ge=0, lt=1)
    """A smaller difference is no alarm, however certain. 0: the texts are alike; 1: no value of one occurs among the other."""


class Labelled(Section):
    """How the champion answers fresh records whose right answers are known."""

    source: Source
    """Where they come from: any kind of source, with the fields that the task needs. Its records may change; each new revision is scored once."""

    metric: str | None = None
    """The metric that is watched, one of the report; None is the task's primary one."""

    threshold: float | None = None
    """A retraining is asked for when the score is surely below it, or above it where lower is better; as of the gate."""

    max_drop: float | None = Field(None, gt=0)
    """A retraining is asked for when the champion is surely worse by more than this than it was on the test set of its promotion."""

    least: int = Field(100, ge=20)
    """With fewer fresh examples nothing is decided."""

    false_alarms: float = Field(0.05, gt=0, lt=0.5)
    """Probability of any false alarm in so many scorings as ``scorings`` says, while the champion is just good enough."""

    scorings: int = Field(50, ge=1)
    """Scored revisions of the source that share ``false_alarms``."""

    @property
    def tail(self) -> float:
        """The probability beyond one end of an interval: one scoring asks at most two questions."""
        return self.false_alarms / self.scorings / 2


class Monitor(Section):
    """What is looked at, how often, and how soon a retraining may be asked for again. What has no value is not looked at."""

    every: Literal["hourly", "daily", "weekly"] = "daily"
    """How often Airflow looks; ``trainshed monitor`` looks at once."""

    drift: Drift | None = None
    """Compare served texts with the corpus. It needs the log of inputs: docs/monitoring.md."""

    labelled: Labelled | None = None
    """Score the champion on fresh labelled records."""

    data_days: float | None = Field(None, gt=0)
    """Age of the champion's corpus, in days, above which a retraining is asked for."""

    champion_days: float | None = Field(None, gt=0)
    """Age of the champion's promotion, in days, above which a retraining is asked for."""

    cool_down_days: float = Field(7, ge=0)
    """After a retraining was asked for, none is asked for again for so many days."""
