"""How a model is scored."""

from __future__ import annotations

from pydantic import Field

from pipeline.section import Section


class Evaluation(Section):
    """Params of evaluation."""

    examples: int = Field(1000, ge=1)
    """Examples of each test split that are generated and scored; fewer where the split has fewer."""

    shown: int = Field(20, ge=0)
    """Examples shown side by side in the report."""

    batch: int = Field(64, ge=1)
    """Examples generated in one batch."""

    resamples: int = Field(2000, ge=100)
    """Bootstrap resamples behind each confidence interval."""

    metrics: tuple[str, ...] | None = None
    """Metrics from `pipeline.metrics.METRICS` to report in addition to those of the task."""

    seed: int = 0
    """Seed for the choice of examples and for the bootstrap."""
