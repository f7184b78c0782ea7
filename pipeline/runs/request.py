"""A request: everything that one attempt of a step needs, as one JSON object in the store or in a file.

It contains no address and no credential: those come from the environment of the container.
"""

from __future__ import annotations

from typing import Any

from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.sources.base import Pin


class Request(Frozen):
    """What the orchestration side asks of a component."""

    run: str
    """Id of the run; also in the MLflow parent run and in ``runs/<run>/plan.json``."""

    recipe: str
    """Name of the recipe: the MLflow experiment."""

    step: str
    """Id of the step within the line."""

    stage: str
    """The component."""

    params: dict[str, Any]
    """Its params, defaults included."""

    inputs: dict[str, Reference] = {}
    """Artifacts it reads, by name."""

    pin: Pin | None = None
    """The pinned source, for ingestion."""

    fingerprint: str
    """Identity that the plan computed; the runtime recomputes it and refuses to run if the two differ."""

    started_by: str | None = None
    """The person who started the run; None if nobody did."""

    proposal: int | None = None
    """Number of the proposal that the run ends; None in other lines."""

    force: bool = False
    """Run although the artifact exists."""
