"""`trainshed run | watch | stop | plan | compile`: run a recipe's line in Airflow or locally, plan it, or compile it."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import lookup
from pipeline.errors import BadInput, disk_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from pipeline.artifacts.manifest import Reference
    from pipeline.cli.decision import RunDecision
    from pipeline.planning.plan import Plan
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, DagRun

RecipeName = Annotated[str, typer.Argument(help="Name of a recipe, or a recipe file.", metavar="RECIPE")]
RunName = Annotated[str, typer.Argument(help="Name of a run, as `run` prints it.", metavar="RUN")]
Force = Annotated[list[str] | None, typer.Option("--force", help="Run this step even if it is cached; may be repeated.", metavar="STEP")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Change a field of the recipe for this run; may be repeated.", metavar="FIELD=VALUE")
]

Partition = Annotated[
    str | None,
    typer.Option("--partition", help="Partition of the source, e.g. 2026-11-24; by default the newest one that has ended.", metavar="KEY"),
]

TARGETS = lookup.Table("target", None, {"kfp": "pipeline.kfp.compile:compile_recipe"})
"""Engines that a line can be compiled for."""

TAIL = 20
"""Last characters of a run's name by which Airflow is searched for it. Ids that Airflow and this project choose are longer."""

SUGGESTED = 10
"""How many of the newest runs an unknown name is compared with."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("run")(run)
    app.command("watch")(watch_run)
    app.command("stop")(stop)
    app.command("plan")(plan)
    app.command("compile")(compile_line)


def run(
    recipe: RecipeName,
    local: Annotated[bool, typer.Option("--local", help="Run on this machine without Airflow.")] = False,
    force: Force = None,
    changes: Overrides = None,
    partition: Partition = None,
) -> None:
    """Run a recipe: train, evaluate, register and promote. Cached steps do not run again."""
    from pipeline.cli.console import open_console
    from pipeline.cli.overrides import apply_overrides, read_overrides
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    overrides, forced = read_overrides(changes or []), frozenset(force or ())
    if local:
        found = run_recipe(apply_overrides(find_given(recipe, settings), overrides), partition)
        run_here(found, forced, settings, console)
    else:
        run_in_airflow(recipe, overrides, forced, settings, console, partition)


def watch_run(name: RunName) -> None:
    """Show the progress of a run until it ends."""
    from pipeline.cli.console import open_console
    from pipeline.cli.experiments import follow_study
    from pipeline.cli.watch import watch
    from pipeline.recipe import find_recipe
    from pipeline.runs.names import EXPERIMENT, PLAN_TASK, line_of_dag, recipe_of_dag
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow

    settings, console = load_settings(), open_console()
    airflow = Airflow(settings)
    found = find_run(airflow, name)
    recipe = recipe_of_dag(found.dag)
    if line_of_dag(found.dag) == EXPERIMENT:
        follow_study(airflow, found, settings, console)
    elif recipe == found.dag:
        follow_run(airflow, found, find_recipe(recipe, settings.recipe_folders), settings, console)
    else:  # a run of another line makes no decision about a new model
        watch(airflow, found, tuple(sorted(airflow.step_ids(found.dag) - {PLAN_TASK})), settings, console)


def stop(name: RunName) -> None:
    """Stop a run. The running step writes a checkpoint first; the next run resumes from it."""
    from pipeline.runs.names import recipe_of_dag, run_name
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow
    from pipeline.tracking import end_run

    settings = load_settings()
    airflow = Airflow(settings)
    found = find_run(airflow, name)
    plain = run_name(found.dag, found.id)
    if found.state in {"success", "failed"}:
        print(f"{plain} has already ended: {found.state}")
        return
    airflow.fail(found.dag, found.id)
    # Airflow runs no callback for a run that a person stops
    end_run(settings, recipe_of_dag(found.dag), plain, "KILLED")
    print(f"{plain} is stopped; `trainshed run {recipe_of_dag(found.dag)}` resumes from its last checkpoint")


def plan(recipe: RecipeName, force: Force = None, changes: Overrides = None, partition: Partition = None) -> None:
    """Show which steps a run would execute, and why. Changes nothing."""
    from pipeline.cli.console import open_console
    from pipeline.cli.overrides import apply_overrides, read_overrides
    from pipeline.planning import plan_run
    from pipeline.runs.names import new_run_name
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    found = run_recipe(apply_overrides(find_given(recipe, settings), read_overrides(changes or [])), partition)
    made = plan_run(found, new_run_name(found.name), settings, frozenset(force or ()), record=False)
    if found.data.partition:
        console.print(f"partition {found.data.partition}")
    console.print(plan_table(made, console))
    for warning in made.warnings:
        console.print(f"warning: {warning}", markup=False)


def compile_line(
    recipe: RecipeName,
    to: Annotated[str, typer.Option("--to", help="What to compile for: kfp.", metavar="TARGET")],
    output: Annotated[Path | None, typer.Option("--output", help="File to write; by default standard output.", metavar="FILE")] = None,
    changes: Overrides = None,
    partition: Annotated[str | None, typer.Option("--partition", help="Partition of the source, e.g. 2026-11-24.", metavar="KEY")] = None,
) -> None:
    """Compile a recipe for another engine (Kubeflow Pipelines)."""
    from pipeline.cli.overrides import apply_overrides, read_overrides
    from pipeline.settings import load_settings

    settings = load_settings()
    found = apply_overrides(find_given(recipe, settings), read_overrides(changes or []))
    if found.data.partitions and partition is None:
        raise BadInput(f"recipe {found.name} has partitions, and a compiled pipeline reads one", "", "say --partition")
    compiled: str = TARGETS.load(to)(run_recipe(found, partition), settings)
    if output is None:
        print(compiled, end="")
    else:
        _write(output, compiled)


def find_run(airflow: Airflow, name: str) -> DagRun:
    """The run with this name or Airflow id.

    Raises:
        BadInput: no run has it; the most similar name is suggested. An older run than the newest hundred whose id has fewer than `TAIL`
            characters is not found.
    """
    from pipeline.errors import unknown_name
    from pipeline.runs.names import run_name

    newest = {run_name(found.dag, found.id): found for found in airflow.runs()}
    for found in chain(newest.values(), _older_runs(airflow, name)):
        if name in {run_name(found.dag, found.id), found.id}:
            return found
    raise unknown_name("run", name, list(newest)[:SUGGESTED])


def _older_runs(airflow: Airflow, name: str) -> Iterator[DagRun]:
    """Runs of any age whose id ends like a name; Airflow is asked when the first one is needed."""
    # a name ends like the id of its run, apart from characters that the name has replaced by "-"
    yield from airflow.runs_like(re.sub(r"[^A-Za-z0-9._-]", "-", name)[-TAIL:])


def print_logs(name: str, step: str) -> None:
    """Print the log of the newest attempt of one step of a run, or of all steps that have started.

    Raises:
        BadInput: no such run, or no such step.
    """
    from pipeline.errors import unknown_name
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow

    airflow = Airflow(load_settings(), retry_s=5)
    found = find_run(airflow, name)
    tasks = airflow.tasks(found.dag, found.id)
    if step and step not in tasks:
        raise unknown_name("step", step, tasks)
    if step and not tasks[step].attempt:
        why = "cached or skipped" if tasks[step].state == "skipped" else tasks[step].state
        print(f"{step} did not run in {name}: {why}")
    for task in sorted(tasks.values(), key=lambda task: task.started or "~"):
        if task.attempt and step in {"", task.name}:
            for line in airflow.log(found.dag, found.id, task.id, task.attempt, task.map_index):
                print(line if step else f"{task.name}: {line}")


def plan_table(made: Plan, console: Console) -> Table:
    """A plan as a table, one row for each step."""
    from pipeline.cli.console import new_table
    from pipeline.cli.progress import format_duration

    table = new_table(console, "step", "status", "last took", "why", right=frozenset({"last took"}))
    for row in made.steps:
        table.add_row(row.id, row.status.label, "" if row.seconds is None else format_duration(row.seconds), row.reason)
    return table


def run_in_airflow(
    name: str, overrides: dict[str, Any], force: frozenset[str], settings: Settings, console: Console, partition: str | None = None
) -> tuple[str, RunDecision | None]:
    """Submit a recipe to Airflow, start a run, show it until it ends, and print the decision.

    Returns:
        Name of the run, and the decision about its model.

    Raises:
        BadInput: the recipe, an override or a step's input is wrong.
        Unavailable: Airflow is unreachable, or every attempt of a step failed.
        Interrupted: Ctrl-C; the run continues.
    """
    from pipeline.cli.overrides import apply_overrides
    from pipeline.launchers.check_sizes import check_sizes
    from pipeline.submission.airflow_client import Airflow
    from pipeline.submission.submit import wait_for_dag

    airflow = Airflow(settings)
    recipe = submit_given(name, settings)
    changed = run_recipe(apply_overrides(recipe, overrides), partition)
    _check_steps(force, changed)
    # Airflow would skip the DAG, or fail its first task, for the same reason
    check_sizes(changed, settings)
    wait_for_dag(airflow, recipe)
    run = queue_run(airflow, changed, overrides, force, console)
    return run, follow_run(airflow, airflow.run(recipe.name, run), changed, settings, console)


def run_recipe(recipe: Recipe, partition: str | None) -> Recipe:
    """The recipe of a run that starts now, with its partition if the source has some.

    Raises:
        BadInput: not a partition of this recipe.
    """
    from datetime import UTC, datetime

    from pipeline.recipe.partitions import at_partition

    return at_partition(recipe, partition, datetime.now(UTC))


def run_here(recipe: Recipe, force: frozenset[str], settings: Settings, console: Console) -> None:
    """Run a recipe's line on this machine, and print the decision; errors as of `pipeline.local.run.LocalRun.execute`."""
    from pipeline.cli.decision import show_decision
    from pipeline.cli.local_output import LocalOutput
    from pipeline.local.run import run_local
    from pipeline.runs.names import new_run_name

    run = new_run_name(recipe.name)
    if recipe.data.partition:
        console.print(f"{run}   partition {recipe.data.partition}")
    outputs = run_local(recipe, run, settings, LocalOutput(console), force)
    show_decision(recipe, run, outputs.get(_registering_step(recipe)), settings, console)


def queue_run(airflow: Airflow, recipe: Recipe, overrides: dict[str, Any], force: frozenset[str], console: Console) -> str:
    """Start a run of a recipe that Airflow has, and print its name.

    Args:
        airflow: where it runs.
        recipe: with the overrides, and with its partition if the source has some.
        overrides: fields that the run changes.
        force: steps that run although their artifact exists.
        console: where to print.

    Returns:
        Name of the run.
    """
    from pipeline.runs.names import FORCE, PARTITION, new_run_name

    run, partition = new_run_name(recipe.name), recipe.data.partition
    airflow.trigger(recipe.name, run, {**overrides, FORCE: sorted(force), **({PARTITION: partition} if partition else {})})
    reads = f"   partition {partition}" if partition else ""
    console.print(f"{run}{reads}   log: trainshed logs {run}   stop: trainshed stop {run}")
    return run


def follow_run(airflow: Airflow, found: DagRun, recipe: Recipe, settings: Settings, console: Console) -> RunDecision | None:
    """Show a run until it ends, and print the decision; errors as of `run_in_airflow`."""
    from pipeline.cli.decision import show_decision
    from pipeline.cli.watch import returned_artifact, watch
    from pipeline.lines import trace
    from pipeline.runs.names import run_name

    watch(airflow, found, tuple(step.id for step in trace(recipe)), settings, console)
    registration: Reference | None = returned_artifact(airflow, found, _registering_step(recipe), settings)
    return show_decision(recipe, run_name(found.dag, found.id), registration, settings, console)


def _registering_step(recipe: Recipe) -> str:
    """Id of the step that registers the model and decides."""
    from components.registration.contract import contract
    from pipeline.lines import trace

    return next(step.id for step in trace(recipe) if step.component.name == contract.name)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise disk_error(error) or BadInput(
            f"cannot write {output}: {error.strerror}", "a file in an existing folder", "correct --output"
        ) from error


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or "/" in name


def submit_given(name: str, settings: Settings) -> Recipe:
    """The same, and Airflow will find it; errors as of `find_given`."""
    from pipeline.submission.submit import submit_recipe

    return submit_recipe(Path(name), settings) if _is_file(name) else find_given(name, settings)


def find_given(name: str, settings: Settings) -> Recipe:
    """The recipe of this name, or in this file.

    Raises:
        BadInput: there is none, or it is invalid.
    """
    from pipeline.recipe import find_recipe, read_recipe

    return read_recipe(Path(name)) if _is_file(name) else find_recipe(name, settings.recipe_folders)


def _check_steps(force: frozenset[str], recipe: Recipe) -> None:
    from pipeline.errors import unknown_name
    from pipeline.lines import trace

    steps = [step.id for step in trace(recipe)]
    for name in sorted(force - set(steps)):
        raise unknown_name("step", name, steps)
