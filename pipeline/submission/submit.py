"""Handing a recipe to a running Airflow: as a file beside those in git, and then waiting until its DAG stands."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.check_sizes import check_sizes
from pipeline.line import trace
from pipeline.recipe import read_recipe, recipe_files
from pipeline.runs.names import PLAN_TASK

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
    """Check a recipe file and put it where the running stack looks for recipes.

    The same file may be edited and handed in again; beside the copy stands where it came from.

    Raises:
        BadInput: it is no recipe, or another recipe has its name.
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
            f"there is another recipe called {recipe.name!r}: {known}", "a name of its own", f"rename {path.name}, or remove that file"
        )
    _write(origin, here.encode())
    _write(origin.with_suffix(".yaml"), path.read_bytes())
    return recipe


def _write(path: Path, data: bytes) -> None:
    """Write a file so that a parser that looks meanwhile sees the old one, or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)


def await_dag(airflow: Airflow, recipe: Recipe) -> None:
    """Wait until Airflow has the recipe's DAG, with the steps it has now; ask for the DAG file to be parsed if it has not.

    Raises:
        BadInput: the DAG is switched off, or Airflow's processes find something wrong with the recipe or with their settings.
        Unavailable: it does not appear.
    """
    wanted = frozenset(step.id for step in trace(recipe)) | {PLAN_TASK}
    began = asked = time.monotonic()
    ask = True
    before: frozenset[ImportFailure] = frozenset()
    while True:
        found = airflow.dag(recipe.name)
        if found and airflow.step_ids(recipe.name) == wanted:
            break
        now = time.monotonic()
        errors = frozenset(airflow.import_errors())
        if ask:
            before = errors
        check_parsed(recipe.name, errors - before)
        if now - began > RETRY_S:
            got = "; ".join(sorted(error.why for error in errors)) or "it was not parsed"
            raise Unavailable(f"Airflow has no DAG {recipe.name}: {got}", "the DAG within two minutes", "see `trainshed logs airflow`")
        if ask or now - asked > ASK_AGAIN_S:
            _ask_for_parsing(airflow)
            ask, asked = False, now
        time.sleep(PAUSE_S)
    if found["is_paused"]:
        raise BadInput(f"the DAG {recipe.name} is switched off", "one that is on", "switch it on in Airflow, or run with --local")


def check_parsed(name: str, fresh: Iterable[ImportFailure]) -> None:
    """See whether what Airflow has just failed to import keeps the recipe's DAG away; an older failure may be mended by now.

    Args:
        name: of the recipe.
        fresh: what failed.

    Raises:
        BadInput: it does, and waiting does not mend it.
    """
    for error in fresh:
        # one file lists what is wrong with each recipe, the other makes all of the DAGs
        about = WRONG_RECIPE.format(name) in error.why if error.file.endswith(INVALID_FILE) else error.file.endswith(DAG_FILE)
        if about:
            told = error.why.rpartition(WRONG_RECIPE.format(name))[2].partition("; recipe ")[0]
            raise BadInput(f"Airflow makes no DAG {name}: {told.removeprefix(OURS)}")


def _ask_for_parsing(airflow: Airflow) -> None:
    """All recipes share one DAG file, so the token of any of its DAGs will do; where there is none yet, it is parsed soon anyway."""
    tokens = {dag["file_token"] for dag in airflow.dags() if (dag.get("relative_fileloc") or "").endswith(DAG_FILE)}
    for token in sorted(tokens)[:1]:
        airflow.parse(token)
