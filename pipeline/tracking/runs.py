"""MLflow runs: one parent for each run of the line, one nested run for each step. Each is found, or created if missing.

Runs are found by tags, so a retried task, a restarted scheduler or a second plan continues the existing run instead of
creating another.
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from pipeline.tracking.server import Exists, Missing, MlflowServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.settings import Settings

log = logging.getLogger(__name__)

RUN_TAG = "trainshed.run"
STEP_TAG = "trainshed.step"
NOTE_TAG = "mlflow.note.content"
"""Tag that MLflow's pages show as the description of a run or an experiment, in Markdown."""

NOTE = (
    "Runs of the recipe `{recipe}`. One row is one run of the line, with the gate's figures and the decision. It opens to one run for "
    "each step that was not skipped: losses in `pretraining` and `finetuning`, scores and `report.html` in `evaluation`."
)
BATCH = 500
PARAM_CHARS = 6000


class Point(TypedDict):
    """One metric value in the form of MLflow's REST API."""

    key: str
    value: float
    step: int
    timestamp: int


@dataclass(frozen=True)
class MlflowRun:
    """One MLflow run."""

    server: MlflowServer
    id: str
    artifact_uri: str

    def log_points(self, points: Sequence[Point]) -> None:
        """Send metric points; MLflow keeps one of equal points, and non-finite values are skipped."""
        finite = [point for point in points if math.isfinite(point["value"])]
        for start in range(0, len(finite), BATCH):
            self.server.call("POST", "runs/log-batch", {"run_id": self.id, "metrics": finite[start : start + BATCH]})

    def log_figures(self, values: Mapping[str, float]) -> None:
        """Send final figures; those that the run already has with this value are skipped. A training that continues has others."""
        known = {(metric["key"], metric["value"]) for metric in self._data().get("metrics", [])}
        now = int(time.time() * 1000)
        new = {key: value for key, value in values.items() if (key, value) not in known}
        self.log_points([{"key": key, "value": value, "step": 0, "timestamp": now} for key, value in new.items()])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record params once; MLflow refuses to change a param, so those that the run already has are skipped."""
        known = {param["key"] for param in self._data().get("params", [])}
        rows = [{"key": key, "value": str(value)[:PARAM_CHARS]} for key, value in params.items() if key not in known]
        if rows:
            self.server.call("POST", "runs/log-batch", {"run_id": self.id, "params": rows})

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags; replaces older values."""
        rows = [{"key": key, "value": value} for key, value in tags.items()]
        self.server.call("POST", "runs/log-batch", {"run_id": self.id, "tags": rows})

    def log_file(self, path: Path, name: str | None = None) -> None:
        """Upload one file to the run's artifacts."""
        self.server.upload(path, self.artifact_uri, name or path.name)

    def end(self, status: str) -> None:
        """Set the final status: ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self.server.call("POST", "runs/update", {"run_id": self.id, "status": status, "end_time": int(time.time() * 1000)})

    def reopen(self) -> None:
        """Set the status back to ``RUNNING`` for another attempt."""
        self.server.call("POST", "runs/update", {"run_id": self.id, "status": "RUNNING"})

    def _data(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.server.call("GET", "runs/get", {"run_id": self.id})["run"].get("data", {})
        return answer


def parent_run(settings: Settings, recipe: str, run: str, tags: Mapping[str, str] | None = None) -> MlflowRun:
    """Find or create the parent run of ``run`` in the experiment that has the recipe's name."""
    server = MlflowServer(settings)
    experiment = _experiment_id(server, recipe)
    wanted = {RUN_TAG: run, STEP_TAG: "-"}
    return _find(server, experiment, wanted) or _create(server, experiment, run, {**wanted, **(tags or {})})


def step_run(settings: Settings, recipe: str, run: str, step: str) -> MlflowRun:
    """Find or create the nested run of one step, and set it to ``RUNNING``."""
    parent = parent_run(settings, recipe, run)
    experiment = _experiment_id(parent.server, recipe)
    wanted = {RUN_TAG: run, STEP_TAG: step}
    found = _find(parent.server, experiment, wanted)
    if found:
        found.reopen()
        return found
    return _create(parent.server, experiment, step, {**wanted, "mlflow.parentRunId": parent.id})


def end_run(settings: Settings, recipe: str, run: str, status: str) -> None:
    """End the parent run, and every nested run that a lost worker left open."""
    server = MlflowServer(settings)
    for found in _search(server, _experiment_id(server, recipe), {RUN_TAG: run}):
        if found["info"]["status"] in {"RUNNING", "SCHEDULED"}:
            _as_run(server, found).end(status)


def _experiment_id(server: MlflowServer, name: str) -> str:
    """Id of the experiment; creates it if missing, and restores it if somebody deleted it: MLflow keeps its name taken."""
    try:
        found = server.call("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
    except Missing:
        pass
    else:
        if found["lifecycle_stage"] == "deleted":
            log.warning("experiment %s was deleted in MLflow; it is restored", name)
            # MLflow does not find it if another run restored it meanwhile
            with suppress(Missing):
                server.call("POST", "experiments/restore", {"experiment_id": found["experiment_id"]})
        return str(found["experiment_id"])
    try:
        tags = [{"key": NOTE_TAG, "value": NOTE.format(recipe=name)}]
        return str(server.call("POST", "experiments/create", {"name": name, "tags": tags}, repeat=False)["experiment_id"])
    except Exists:
        return _experiment_id(server, name)


def _find(server: MlflowServer, experiment: str, tags: Mapping[str, str]) -> MlflowRun | None:
    """The oldest run with all these tags."""
    found = _search(server, experiment, tags)
    return _as_run(server, found[0]) if found else None


def _search(server: MlflowServer, experiment: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    condition = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    query = {"experiment_ids": [experiment], "filter": condition, "max_results": 100, "order_by": ["attributes.start_time ASC"]}
    rows: list[dict[str, Any]] = server.call("POST", "runs/search", query).get("runs", [])
    return rows


def _create(server: MlflowServer, experiment: str, name: str, tags: Mapping[str, str]) -> MlflowRun:
    rows = [{"key": key, "value": value} for key, value in tags.items()]
    body = {"experiment_id": experiment, "run_name": name, "start_time": int(time.time() * 1000), "tags": rows}
    return _as_run(server, server.call("POST", "runs/create", body, repeat=False)["run"])


def _as_run(server: MlflowServer, row: dict[str, Any]) -> MlflowRun:
    return MlflowRun(server, row["info"]["run_id"], row["info"]["artifact_uri"])


def flat(params: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested params as dotted names and values, as MLflow's tables show them."""
    for key, value in params.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from flat(value, name)
        else:
            yield name, value
