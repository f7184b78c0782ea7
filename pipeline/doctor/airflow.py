"""Airflow: it answers, accepts our login, has our version, its processes are alive, and it has a DAG for each recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.doctor.base import RETRY_S, Finding, require_answer
from pipeline.doctor.installed_versions import compare
from pipeline.recipe import recipe_files
from pipeline.runs.names import TRAINING_POOL
from pipeline.settings import PREFIX
from pipeline.stack.airflow_processes import probe_heartbeat
from pipeline.stack.environment import training_slots
from pipeline.stack.http import ask
from pipeline.submission.airflow_client import Airflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings

CONNECTIONS = ("s3_connection", "mlflow_connection", "docker_connection", "database_connections")
PROCESSES = {"scheduler": "scheduler", "dag_processor": "DAG processor"}


def check_airflow(settings: Settings) -> Iterator[Finding]:
    """Check DAGs, import errors, the version, heartbeats and connections."""
    airflow = Airflow(settings, RETRY_S)
    require_answer("Airflow", airflow.url)
    dags = {dag["dag_id"]: dag for dag in airflow.dags() if not dag.get("is_stale")}
    version = str(ask(f"{airflow.url}/api/v2/version").json().get("version", ""))
    found = [compare(f"Airflow at {airflow.url}", version, "apache-airflow")]
    found += [_heartbeat(airflow.url, component, name) for component, name in PROCESSES.items()]
    found += [_triggerer(airflow), _pool(airflow, settings)]
    errors = airflow.import_errors()
    found += [Finding("warning", f"Airflow cannot import a DAG file: {error.why}", fix="correct it") for error in errors]
    found += [_dag(name, dags.get(name), settings, imports=not errors) for name in sorted(recipe_files(settings.recipe_folders))]
    found += [_connection(airflow, field, name) for field in CONNECTIONS for name in _names(getattr(settings, field))]
    real = [finding for finding in found if finding]
    yield from real or [Finding("ok", f"logged in to {airflow.url}; version {version}; {len(dags)} DAGs")]


def _dag(name: str, dag: Mapping[str, Any] | None, settings: Settings, *, imports: bool) -> Finding | None:
    """A problem of a recipe's DAG; a missing one may not have been parsed yet, unless DAG files cannot be imported."""
    if dag is None:
        got = f"Airflow at {settings.airflow_url} has no DAG for recipe {name!r}"
        if imports:
            fix = f"wait half a minute; if it is still missing, add {settings.dags_folder} to its DAG folders"
            return Finding("unreachable", got, fix=fix)
        return Finding("error", got, fix="correct the files that cannot be imported, see above")
    if dag.get("is_paused"):
        return Finding("warning", f"the DAG {name} is paused", fix="unpause it in Airflow, or run with --local")
    return None


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The connections that a setting names."""
    return value if isinstance(value, tuple) else (value,) if value else ()


def _connection(airflow: Airflow, field: str, name: str) -> Finding | None:
    """A problem of a connection with keys; Airflow's API does not show those in a secrets backend or in variables."""
    setting = PREFIX + field.upper()
    if airflow.has_connection(name):
        return None
    got = f"Airflow's database holds no connection {name!r}, which {setting} names"
    return Finding("warning", got, "one there, in a secrets backend or in a variable", f"create it, or correct {setting}")


def _triggerer(airflow: Airflow) -> Finding | None:
    """Deferred tasks without a living triggerer: they would wait for ever."""
    waiting = airflow.deferred()
    missing = probe_heartbeat(airflow.url, "triggerer", 0.0) if waiting else ""
    if not missing:
        return None
    got = f"{waiting} tasks are deferred and no triggerer is alive ({missing})"
    return Finding("unreachable", got, "a triggerer if [operators] default_deferrable is on", "start `airflow triggerer`")


def _pool(airflow: Airflow, settings: Settings) -> Finding | None:
    """A missing or empty pool of training steps: Airflow would leave them ``scheduled`` for ever."""
    wanted, slots = training_slots(settings), airflow.pool_slots(TRAINING_POOL)
    if not wanted or slots == wanted:
        return None
    fix = f'run `airflow pools set {TRAINING_POOL} {wanted} "Training steps" --include-deferred`, or `trainshed up`'
    if not slots:
        got = f"Airflow has no pool {TRAINING_POOL}" if slots is None else f"Airflow's pool {TRAINING_POOL} has no slot"
        return Finding("error", f"{got}: training steps would wait for ever", f"{wanted} slots (TRAINSHED_TRAINING_SLOTS)", fix)
    return Finding("warning", f"Airflow's pool {TRAINING_POOL} has {slots} slots", f"{wanted} (TRAINSHED_TRAINING_SLOTS)", fix)


def _heartbeat(url: str, component: str, name: str) -> Finding | None:
    missing = probe_heartbeat(url, component, 0.0)
    return Finding("unreachable", f"Airflow's {name} is not alive ({missing})", fix="start it, or run `trainshed up`") if missing else None
