"""A request: everything one attempt of one step needs to know, as one JSON object in the store or in a file.

It holds no address and no credential: those come from the environment of the container.
"""

from __future__ import annotations

from typing import Any

from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.sources.base import Pin


class Request(Frozen):
    """What the orchestration side asks a component to do."""

    run: str
    """Id of the run; the MLflow parent run and ``runs/<id>.json`` carry it too."""

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
    """Identity the plan computed; the runtime computes it again and refuses to run when the two differ."""

    force: bool = False
    """Run although the artifact exists."""
