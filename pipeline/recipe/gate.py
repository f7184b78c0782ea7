"""The rules of promotion, and the name under which the model is registered."""

from __future__ import annotations

from pydantic import Field

from pipeline.section import Section


class Gate(Section):
    """The rules of promotion."""

    metric: str | None = None
    """The metric that decides, from `pipeline.metrics.METRICS`. By default the task's primary metric."""

    threshold: float | None = None
    """Without a champion: the metric must reach it, in its unit (ROUGE: 0 to 100). Where lower is better, it must not be above it."""

    beats: tuple[str, ...] | None = None
    """Without a champion: baselines that the model must beat, by a paired bootstrap of the difference. By default those of the task."""

    min_distinct: float | None = Field(None, ge=0, le=1)
    """Minimum share of distinct answers, for tasks that write text. By default 0.8."""

    min_examples: int = Field(500, ge=1)
    """Minimum number of test examples for a decision."""

    min_groups: int = Field(10, ge=1)
    """Minimum number of groups of test examples (packages, authors, sites): an interval from a few groups is too narrow."""

    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the two-sided paired bootstrap interval; its lower end must be above zero."""


class Registration(Section):
    """Where the model is registered."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    """Name of the registered model in MLflow, and of its promotion ledger."""

    gate: Gate = Gate()
    """The rules of promotion."""
