"""The rules of promotion, and the name under which the model is registered."""

from __future__ import annotations

from pydantic import Field

from pipeline.section import Section


class Gate(Section):
    """The rules of promotion."""

    metric: str = "rougeL"
    """The per-example metric that decides; higher is better."""

    minimum: float = 0.0
    """Without a champion: minimum mean of the metric, in its unit (ROUGE: 0 to 100)."""

    beats: tuple[str, ...] = ("lead", "most_frequent")
    """Without a champion: baselines that the model must beat, by a paired bootstrap of the mean difference."""

    min_distinct: float = Field(0.8, ge=0, le=1)
    """Minimum share of distinct outputs."""

    min_examples: int = Field(500, ge=1)
    """Minimum number of test examples for a decision."""

    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the two-sided paired bootstrap interval; its lower end must be above zero."""


class Registration(Section):
    """Where the model is registered."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    """Name of the registered model in MLflow, and of its promotion ledger."""

    gate: Gate = Gate()
    """The rules of promotion."""
