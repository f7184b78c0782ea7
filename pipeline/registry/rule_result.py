"""What one rule of the gate found: a row of the decision's table."""

from __future__ import annotations

from pipeline.artifacts.manifest import Frozen


class RuleResult(Frozen):
    """One rule, the figures behind it, and whether it was met. Scores are in the unit of their metric."""

    rule: str
    """What was asked, in a few words, e.g. ``better than champion``."""

    met: bool
    """Whether it was met."""

    metric: str = ""
    """A name from `pipeline.metrics.METRICS`, ``examples``, ``groups``, ``distinct`` or ``contaminated``; empty for a rule of another kind."""

    where: str = ""
    """The slice of the examples; empty for all."""

    challenger: float | None = None
    """The challenger's value."""

    other: str = ""
    """What it was compared with: ``champion`` or a baseline."""

    other_value: float | None = None
    """The value of that."""

    difference: float | None = None
    """How far the challenger is ahead, in the direction in which the metric is better."""

    low: float | None = None
    """Lower end of the difference's interval; None if too few examples differ for an interval."""

    high: float | None = None
    """Upper end."""

    seeds: tuple[float, ...] = ()
    """The challenger's value for each training seed, that of the registered model first; empty if both have one seed."""

    other_seeds: tuple[float, ...] = ()
    """The same of what it was compared with."""
