"""How long the steps of a recipe's runs took, as MLflow knows it: from the start of a step to its end, waiting between attempts included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.tracking.runs import RUN_TAG, STEP_TAG
from pipeline.tracking.server import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.tracking.server import MlflowServer

PAGE = 1000


class StepTime(NamedTuple):
    """One step of one run."""

    run: str
    """Name of the run."""

    step: str
    """Id of the step within its line."""

    started: datetime
    seconds: float | None
    """How long it took; None while it runs."""


def step_times(server: MlflowServer, recipe: str, since: datetime) -> Iterator[StepTime]:
    """The steps that started after a time, newest first; none if the recipe never ran.

    Args:
        server: the MLflow server.
        recipe: name of the recipe.
        since: with time zone.

    Raises:
        Unavailable: MLflow is unreachable.
    """
    try:
        experiment = server.call("GET", "experiments/get-by-name", {"experiment_name": recipe})["experiment"]["experiment_id"]
    except Missing:
        return
    query: dict[str, Any] = {
        "experiment_ids": [experiment],
        "filter": f"tags.`{STEP_TAG}` != '-' and attributes.start_time > {int(since.timestamp() * 1000)}",
        "max_results": PAGE,
        "order_by": ["attributes.start_time DESC"],
    }
    while True:
        page = server.call("POST", "runs/search", query)
        for row in page.get("runs", []):
            info, tags = row["info"], {tag["key"]: tag["value"] for tag in row["data"].get("tags", [])}
            start, end = int(info["start_time"]), int(info.get("end_time") or 0)
            seconds = (end - start) / 1000 if end else None
            yield StepTime(tags.get(RUN_TAG, ""), tags[STEP_TAG], datetime.fromtimestamp(start / 1000, UTC), seconds)
        if not page.get("next_page_token"):
            return
        query["page_token"] = page["next_page_token"]
