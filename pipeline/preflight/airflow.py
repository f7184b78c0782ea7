"""Airflow: it answers, lets us in, is of our version, its processes are alive, and it has a DAG for each recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.orchestration.client import Airflow
from pipeline.preflight.base import PATIENCE_S, Finding
from pipeline.preflight.installed import compare
from pipeline.recipe import recipe_files
from pipeline.stack.airflow_processes import probe_heartbeat
from pipeline.stack.http import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

PROCESSES = {"scheduler": "scheduler", "dag_processor": "DAG processor"}


def check_airflow(settings: Settings) -> Iterator[Finding]:
    """Ask for DAGs, import errors, version and heartbeats."""
    airflow = Airflow(settings, PATIENCE_S)
    dags = {dag["dag_id"] for dag in airflow.dags() if not dag.get("is_stale")}
    version = str(ask(f"{airflow.url}/api/v2/version").json().get("version", ""))
    found = [compare(f"Airflow at {airflow.url}", version, "apache-airflow")]
    found += [_heartbeat(airflow.url, component, name) for component, name in PROCESSES.items()]
    for error in airflow.import_errors():
        found.append(Finding("warning", f"Airflow cannot import a DAG file: {error}", "files that import", "correct it"))
    for name in sorted(set(recipe_files(settings.recipe_folders)) - dags):
        got = f"Airflow at {airflow.url} has no DAG for recipe {name!r}"
        fix = f"see the import errors; or add {settings.dags_folder} to its DAG folders; just started, it needs half a minute"
        found.append(Finding("wrong", got, "one DAG for each recipe", fix))
    real = [finding for finding in found if finding]
    yield from real or [Finding("ok", f"{airflow.url} lets us in; version {version}; {len(dags)} DAGs")]


def _heartbeat(url: str, component: str, name: str) -> Finding | None:
    missing = probe_heartbeat(url, component, 0.0)
    return (
        Finding("away", f"Airflow's {name} is not alive ({missing})", "a heartbeat", "start it, or run `trainshed up`") if missing else None
    )
