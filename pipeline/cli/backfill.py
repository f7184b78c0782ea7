"""`trainshed backfill`: run a recipe for each of several partitions that have no model yet, the oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import BadInput, Interrupted, TrainshedError

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

MOST = 1000
"""Runs of one back-fill; more is a mistyped year."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill)


def backfill(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a recipe file.", metavar="RECIPE")],
    first: Annotated[str, typer.Option("--from", help="First partition, e.g. 2026-11-20.", metavar="KEY")],
    last: Annotated[str, typer.Option("--to", help="Last partition, included.", metavar="KEY")],
    local: Annotated[bool, typer.Option("--local", help="Run on this machine without Airflow.")] = False,
) -> None:
    """Run a recipe for each partition from one to another that has no model yet, the oldest first."""
    from pipeline.cli.console import open_console
    from pipeline.cli.runs import find_given
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    found = find_given(recipe, settings)
    wanted = _to_run(found, _recipes(found, first, last), settings, console)
    if not wanted:
        console.print("nothing new")
    elif local:
        _run_here(wanted, settings, console)
    else:
        _run_in_airflow(recipe, wanted, settings, console)


def _recipes(recipe: Recipe, first: str, last: str) -> list[Recipe]:
    """The recipe of each partition's run.

    Raises:
        BadInput: the recipe has no partitions, or these are none.
    """
    from pipeline.cli.runs import run_recipe
    from pipeline.recipe.partitions import between

    partitions = recipe.data.partitions
    if partitions is None:
        raise BadInput(f"recipe {recipe.name} has no partitions", "data.source.partitions", "run it with `trainshed run`")
    keys = between(first, last, partitions.by)
    if len(keys) > MOST:
        raise BadInput(f"{len(keys)} partitions from {first} to {last}", f"{MOST} at most", "correct --from or --to")
    return [run_recipe(recipe, key) for key in keys]


def _to_run(recipe: Recipe, recipes: list[Recipe], settings: Settings, console: Console) -> list[Recipe]:
    """The runs that have something to do. All are planned before the first one starts, so a missing partition costs nothing.

    Raises:
        BadInput: a partition is missing.
    """
    from pipeline.planning import plan_run
    from pipeline.runs.names import new_run_name

    wanted = []
    for each in recipes:
        made = plan_run(each, new_run_name(recipe.name), settings, record=False)
        console.print(f"{each.data.partition}   {'has its model' if made.nothing_to_do else 'to run'}")
        if not made.nothing_to_do:
            wanted.append(each)
    return wanted


def _run_here(recipes: list[Recipe], settings: Settings, console: Console) -> None:
    from pipeline.cli.runs import run_here

    for recipe in recipes:
        run_here(recipe, frozenset(), settings, console)


def _run_in_airflow(name: str, recipes: list[Recipe], settings: Settings, console: Console) -> None:
    """Queue a run for each partition, and show them one after the other.

    Raises:
        TrainshedError: of the last run that failed; the others ran.
    """
    from pipeline.cli.runs import follow_run, queue_run, submit_given
    from pipeline.submission.airflow_client import Airflow
    from pipeline.submission.submit import wait_for_dag

    airflow = Airflow(settings)
    wait_for_dag(airflow, submit_given(name, settings))
    runs = [queue_run(airflow, recipe, {}, frozenset(), console) for recipe in recipes]
    failure: TrainshedError | None = None
    for run, recipe in zip(runs, recipes, strict=True):
        console.print(f"partition {recipe.data.partition}")
        try:
            follow_run(airflow, airflow.run(recipe.name, run), recipe, settings, console)
        except Interrupted:
            raise
        except TrainshedError as error:
            console.print(f"{run}: {error}", markup=False)
            failure = error
    if failure:
        raise failure
