"""What a model must show before it is promoted, and under which name it is registered."""

from __future__ import annotations

from pydantic import Field

from pipeline.recipe.section import Section


class Gate(Section):
    """The rules of promotion."""

    metric: str = "rougeL"
    """The per-example metric that decides; higher is better."""

    minimum: float = 0.0
    """Without a champion: least mean of the metric, in its own unit (ROUGE: 0 to 100)."""

    beats: tuple[str, ...] = ("lead", "most_frequent")
    """Without a champion: baselines whose mean must lie below the lower bound of a paired bootstrap interval."""

    min_distinct: float = Field(0.8, ge=0, le=1)
    """Least share of distinct outputs."""

    min_examples: int = Field(500, ge=1)
    """Fewest test examples a decision may rest on."""

    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the two-sided paired bootstrap interval whose lower end must lie above zero."""


class Registration(Section):
    """Where the model is registered."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    """Name of the registered model in MLflow, and of its promotion ledger."""

    gate: Gate = Gate()
    """The rules of promotion."""
