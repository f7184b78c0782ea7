"""The newest runs of a recipe, as MLflow knows them. A run in which no step ran is not among them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.tracking.runs import RUN_TAG, STEP_TAG
from pipeline.tracking.server import Missing

if TYPE_CHECKING:
    from pipeline.tracking.server import MlflowServer


class RecentRun(NamedTuple):
    """One run of a line."""

    name: str
    status: str
    """``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``."""

    started: datetime
    seconds: float | None
    """How long it took; None while it runs."""

    experiment: str
    """Id of its experiment in MLflow."""

    id: str
    """Its id in MLflow."""


def recent_runs(server: MlflowServer, recipe: str, limit: int) -> list[RecentRun]:
    """The newest runs of a recipe, newest first; none if it never ran.

    Args:
        server: the MLflow server.
        recipe: name of the recipe.
        limit: how many at most.

    Raises:
        Unavailable: MLflow is unreachable.
    """
    try:
        experiment = server.call("GET", "experiments/get-by-name", {"experiment_name": recipe})["experiment"]["experiment_id"]
    except Missing:
        return []
    query = {
        "experiment_ids": [experiment],
        "filter": f"tags.`{STEP_TAG}` = '-'",
        "max_results": limit,
        "order_by": ["attributes.start_time DESC"],
    }
    return [
        _as_run(row["info"], row["data"].get("tags", []), str(experiment))
        for row in server.call("POST", "runs/search", query).get("runs", [])
    ]


def _as_run(info: dict[str, str], tags: list[dict[str, str]], experiment: str) -> RecentRun:
    """Read one row of MLflow's answer; its times are milliseconds."""
    name = next((tag["value"] for tag in tags if tag["key"] == RUN_TAG), info["run_id"])
    start, end = int(info["start_time"]), int(info.get("end_time") or 0)
    seconds = (end - start) / 1000 if end else None
    return RecentRun(name, info["status"], datetime.fromtimestamp(start / 1000, UTC), seconds, experiment, info["run_id"])
