"""`trainshed run | watch | stop | plan | compile`: a recipe's line, through Airflow, here, or as a file for another engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import BadInput, disk_error

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.planning.plan import Plan
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, DagRun

RecipeName = Annotated[str, typer.Argument(help="Name of a recipe, or a recipe file.", metavar="RECIPE")]
RunName = Annotated[str, typer.Argument(help="Name of a run, as `run` prints it.", metavar="RUN")]
Force = Annotated[list[str] | None, typer.Option("--force", help="DagRun this step although its artifact exists.", metavar="STEP")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change a field of the recipe for this run.", metavar="FIELD=VALUE")]


TARGETS = {"kfp": "pipeline.kfp.compile:compile_recipe"}
"""Engines a line can be compiled for."""

EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
NAMED = 10


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("run")(run)
    app.command("watch")(look)
    app.command("stop")(stop)
    app.command("plan")(plan)
    app.command("compile")(compile_line)


def run(
    recipe: RecipeName,
    local: Annotated[bool, typer.Option("--local", help="DagRun here, without Airflow.")] = False,
    force: Force = None,
    changes: Changes = None,
) -> None:
    """Train, evaluate, register and promote by a recipe; what is done already is skipped."""
    from rich.console import Console

    from pipeline.settings import load_settings

    settings, console = load_settings(), Console()
    given = read_changes(changes or [])
    if local:
        _run_here(_changed(_find(recipe, settings), given), frozenset(force or ()), settings, console)
    else:
        _run_in_airflow(recipe, given, frozenset(force or ()), settings, console)


def look(name: RunName) -> None:
    """Show a run that was started earlier, until it ends."""
    from rich.console import Console

    from pipeline.recipe import find_recipe
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow

    settings, console = load_settings(), Console()
    airflow = Airflow(settings)
    found = find_run(airflow, name)
    _watch(airflow, found, find_recipe(found.dag, settings.recipe_folders), settings, console)


def stop(name: RunName) -> None:
    """Stop a run; the step at work checkpoints first, and the next run goes on from there."""
    from pipeline.runs.names import run_name
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow
    from pipeline.tracking import end_run

    settings = load_settings()
    airflow = Airflow(settings)
    found = find_run(airflow, name)
    plain = run_name(found.dag, found.id)
    if found.state in {"success", "failed"}:
        print(f"{plain} has ended already: {found.state}")
        return
    airflow.fail(found.dag, found.id)
    # Airflow runs no callback for a run whose state a person sets
    end_run(settings, found.dag, plain, "KILLED")
    print(f"{plain} is stopped; `trainshed run {found.dag}` goes on from its last checkpoint")


def plan(recipe: RecipeName, force: Force = None, changes: Changes = None) -> None:
    """Show what a run would do, and why, without doing it."""
    from pipeline.cli.console import open_console
    from pipeline.planning import plan_run
    from pipeline.runs.names import new_run_name
    from pipeline.settings import load_settings

    settings = load_settings()
    found = _changed(_find(recipe, settings), read_changes(changes or []))
    made = plan_run(found, new_run_name(found.name), settings, frozenset(force or ()), record=False)
    open_console().print(plan_table(made))


def compile_line(
    recipe: RecipeName,
    to: Annotated[str, typer.Option("--to", help="What to compile for: kfp.", metavar="TARGET")],
    output: Annotated[Path | None, typer.Option("--output", help="Where to write it; standard output if left out.", metavar="FILE")] = None,
    changes: Changes = None,
) -> None:
    """Write a recipe's line as a pipeline for another engine, e.g. as IR YAML for Kubeflow Pipelines."""
    from pipeline.lookup import load
    from pipeline.settings import load_settings

    settings = load_settings()
    compiled: str = load("target", TARGETS, to)(_changed(_find(recipe, settings), read_changes(changes or [])), settings)
    if output is None:
        print(compiled, end="")
    else:
        _write(output, compiled)


def find_run(airflow: Airflow, name: str) -> DagRun:
    """The run of this name, or with this Airflow id.

    Raises:
        BadInput: there is none among the newest hundred; the near name is suggested.
    """
    from pipeline.errors import unknown_name
    from pipeline.runs.names import run_name

    known = {run_name(found.dag, found.id): found for found in airflow.runs()}
    for plain, found in known.items():
        if name in {plain, found.id}:
            return found
    raise unknown_name("run", name, list(known)[:NAMED])


def print_logs(name: str, step: str) -> None:
    """Print the log of one step of a run, or of all that have begun, each its newest attempt.

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
        why = "nothing had to be done" if tasks[step].state == "skipped" else tasks[step].state
        print(f"{step} has not run in {name}: {why}")
    for task in sorted(tasks.values(), key=lambda task: task.started or "~"):
        if task.attempt and step in {"", task.id}:
            for line in airflow.log(found.dag, found.id, task.id, task.attempt):
                print(line if step else f"{task.id}: {line}")


def plan_table(made: Plan) -> Table:
    """A plan as a table for a terminal."""
    from rich import box
    from rich.table import Table

    from pipeline.cli.progress import span

    drawn = Table(box=box.SIMPLE_HEAD)
    for heading in ("step", "status", "last took", "why"):
        drawn.add_column(heading, justify="right" if heading == "last took" else "left")
    for row in made.steps:
        drawn.add_row(row.id, row.status.label, "" if row.seconds is None else span(row.seconds), row.reason)
    return drawn


def read_changes(changes: list[str]) -> dict[str, Any]:
    """``["finetuning.learning_rate=1e-3"]`` as a mapping; values are read as YAML.

    Raises:
        BadInput: no ``=``, or a value that is not YAML.
    """
    import yaml

    read = {}
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals:
            raise BadInput(f"--set {change}", "FIELD=VALUE", "write e.g. --set finetuning.learning_rate=0.001")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BadInput(f"--set {change}", "a YAML value after the =", "quote it") from error
        read[field.strip()] = _number(parsed)
    return read


def _number(value: object) -> object:
    """YAML 1.1 reads ``1e-3`` as a string, for want of a point; here it is a number."""
    return float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else value


def _run_here(recipe: Recipe, force: frozenset[str], settings: Settings, console: Console) -> None:
    from pipeline.cli.local_view import LocalView
    from pipeline.local.run import run_local
    from pipeline.runs.names import new_run_name

    run_local(recipe, new_run_name(recipe.name), settings, LocalView(console), force)
    _tell_decision(recipe, settings, console)


def _run_in_airflow(name: str, changes: dict[str, Any], force: frozenset[str], settings: Settings, console: Console) -> None:
    from pipeline.launchers.check_sizes import check_sizes
    from pipeline.runs.names import FORCE, new_run_name
    from pipeline.submission.airflow_client import Airflow
    from pipeline.submission.submit import submit_recipe, wait_for_dag

    airflow = Airflow(settings)
    recipe = submit_recipe(Path(name), settings) if _is_file(name) else _find(name, settings)
    wanted = _changed(recipe, changes)
    _check_steps(force, wanted)
    # Airflow would leave the DAG out, or end its first task, for the same reason
    check_sizes(wanted, settings)
    wait_for_dag(airflow, recipe)
    run_id = new_run_name(recipe.name)
    airflow.trigger(recipe.name, run_id, {**changes, FORCE: sorted(force)})
    console.print(f"{run_id}   log: trainshed logs {run_id}   stop: trainshed stop {run_id}", highlight=False, soft_wrap=True)
    _watch(airflow, airflow.run(recipe.name, run_id), recipe, settings, console)


def _watch(airflow: Airflow, found: DagRun, recipe: Recipe, settings: Settings, console: Console) -> None:
    from pipeline.cli.watch import watch
    from pipeline.line import trace

    watch(airflow, found, tuple(step.id for step in trace(recipe)), settings, console)
    _tell_decision(recipe, settings, console)


def _tell_decision(recipe: Recipe, settings: Settings, console: Console) -> None:
    """Say what the ledger says: a refused promotion is a finished run, but nobody should have to look for the reason."""
    from pipeline.registry.ledger_decisions import newest_decision

    decision = newest_decision(recipe, settings)
    if decision:
        verb = "is champion" if decision.promoted else "was not promoted"
        reasons = "; ".join(decision.reasons)
        console.print(f"{recipe.registration.model} version {decision.version} {verb}: {reasons}", highlight=False, soft_wrap=True)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise disk_error(error) or BadInput(
            f"cannot write {output}: {error.strerror}", "a file in a folder that exists", "correct --output"
        ) from error


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or "/" in name


def _find(name: str, settings: Settings) -> Recipe:
    from pipeline.recipe import find_recipe, read_recipe

    return read_recipe(Path(name)) if _is_file(name) else find_recipe(name, settings.recipe_folders)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    from pipeline.recipe.overrides import override

    return override(recipe, changes, "--set") if changes else recipe


def _check_steps(force: frozenset[str], recipe: Recipe) -> None:
    from pipeline.errors import unknown_name
    from pipeline.line import trace

    steps = [step.id for step in trace(recipe)]
    for name in sorted(force - set(steps)):
        raise unknown_name("step", name, steps)
