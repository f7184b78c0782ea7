"""Submit a recipe file to a running Airflow, and wait until Airflow has parsed its DAG."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.check_sizes import check_sizes
from pipeline.lines import trace
from pipeline.recipe import read_recipe, recipe_files
from pipeline.runs.names import PLAN_TASK, recipe_of_dag

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, ImportFailure

DAG_FILE, INVALID_FILE = "train.py", "invalid_recipes.py"
WRONG_RECIPE = "recipe {}: "
OURS = f"{BadInput.__module__}.{BadInput.__qualname__}: "
RETRY_S = 120.0
PAUSE_S = 0.3
ASK_AGAIN_S = 5.0


def submit_recipe(path: Path, settings: Settings) -> Recipe:
    """Validate a recipe file and copy it to the folder of submitted recipes.

    The same file may be submitted again after a change: ``<name>.origin`` holds the path that the copy came from.

    Raises:
        BadInput: it is not a valid recipe, or another recipe has its name.
    """
    recipe = read_recipe(path)
    check_sizes(recipe, settings)
    known = recipe_files(settings.recipe_folders).get(recipe.name)
    if known and (known.resolve() == path.resolve() or known.read_bytes() == path.read_bytes()):
        return recipe
    origin = settings.recipe_folders[-1] / f"{recipe.name}.origin"
    here = str(path.resolve())
    if known and not (known.parent == origin.parent and origin.exists() and origin.read_text() == here):
        raise BadInput(
            f"another recipe has the name {recipe.name!r}: {known}", "", f"change the name in {path.name}, or delete the other file"
        )
    _write(origin, here.encode())
    _write(origin.with_suffix(".yaml"), path.read_bytes())
    return recipe


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically: a parser sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)


def wait_for_dag(airflow: Airflow, recipe: Recipe) -> None:
    """Wait until Airflow has the recipe's DAG with its present steps; errors as of `wait_for_tasks`."""
    wait_for_tasks(airflow, recipe.name, frozenset(step.id for step in trace(recipe)) | {PLAN_TASK}, DAG_FILE)


def wait_for_tasks(airflow: Airflow, dag: str, wanted: frozenset[str], file: str) -> None:
    """Wait until Airflow has a DAG with these tasks; ask Airflow to parse its file if it has not.

    Args:
        airflow: where it should be.
        dag: its id.
        wanted: ids of its tasks.
        file: the file in `dags/` that makes it.

    Raises:
        BadInput: the DAG is paused, or Airflow rejects the recipe or the settings of its own processes.
        Unavailable: the DAG does not appear.
    """
    began = asked = time.monotonic()
    ask = True
    before: frozenset[ImportFailure] = frozenset()
    while True:
        found = airflow.dag(dag)
        if found and airflow.step_ids(dag) == wanted:
            break
        now = time.monotonic()
        errors = frozenset(airflow.import_errors())
        if ask:
            before = errors
        check_import_errors(recipe_of_dag(dag), errors - before, file)
        if now - began > RETRY_S:
            got = "; ".join(sorted(error.why for error in errors)) or "the DAG file was not parsed"
            raise Unavailable(f"Airflow has no DAG {dag} after {RETRY_S:.0f} s: {got}", "", "read `trainshed logs airflow-dag-processor`")
        if ask or now - asked > ASK_AGAIN_S:
            _ask_for_parsing(airflow, file)
            ask, asked = False, now
        time.sleep(PAUSE_S)
    if found["is_paused"]:
        raise BadInput(f"the DAG {dag} is paused", "", "unpause it in Airflow, or run with --local")


def check_import_errors(name: str, errors: Iterable[ImportFailure], file: str = DAG_FILE) -> None:
    """Raise the import error that prevents a DAG of the recipe, if there is one.

    Args:
        name: name of the recipe.
        errors: new import errors; older ones may be fixed since.
        file: the file in `dags/` that makes the DAG.

    Raises:
        BadInput: one of them prevents the DAG, and waiting would not help.
    """
    for error in errors:
        # INVALID_FILE reports the errors of each recipe; the other file makes the DAGs of all
        about = WRONG_RECIPE.format(name) in error.why if error.file.endswith(INVALID_FILE) else error.file.endswith(file)
        if about:
            reason = error.why.rpartition(WRONG_RECIPE.format(name))[2].partition("; recipe ")[0]
            raise BadInput(f"Airflow makes no DAG {name}: {reason.removeprefix(OURS)}")


def _ask_for_parsing(airflow: Airflow, file: str) -> None:
    """All recipes share a DAG file, so the token of any of its DAGs is enough; without a DAG, Airflow parses the file soon anyway."""
    tokens = {dag["file_token"] for dag in airflow.dags() if (dag.get("relative_fileloc") or "").endswith(file)}
    for token in sorted(tokens)[:1]:
        airflow.parse(token)
