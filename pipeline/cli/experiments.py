"""`trainshed experiment`: run trials of a recipe with other values, compare them, and train or register the best."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.experiments.records import Ask, Closed, StudyRecords, Tell
    from pipeline.experiments.trial import PriceOf
    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Scalar
    from pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("experiment")(experiment)


def experiment(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a recipe file.", metavar="RECIPE")],
    local: Annotated[bool, typer.Option("--local", help="Run on this machine without Airflow.")] = False,
    resume: Annotated[str, typer.Option("--resume", help="Go on with this experiment, as it printed its name.", metavar="NAME")] = "",
    winner: Annotated[bool, typer.Option("--register", help="Train, test and register the best trial at the end.")] = False,
) -> None:
    """Try other values of a recipe's fields, and compare the models on the validation split."""
    from pipeline.cli.console import open_console
    from pipeline.cli.runs import find_given
    from pipeline.local.experiment import LocalExperiment
    from pipeline.runs.names import new_run_name
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    found = find_given(recipe, settings)
    if found.experiment is None:
        raise BadInput(f"recipe {found.name} has no experiment", "a section with search, method and trials", "see docs/experiments.md")
    if not local:
        raise BadInput("an experiment through Airflow", "trials on this machine", "add --local")
    name = resume or new_run_name(found.name)
    study = LocalExperiment(found, name, settings, _Output(console, found), _prices(settings))
    if resume and study.records.began() is None:
        raise BadInput(f"no experiment {resume!r} in the store", "the name that it printed", "leave out --resume to begin one")
    console.print(f"{name}   resume: trainshed experiment {recipe} --local --resume {name}", markup=False)
    closed = study.execute()
    best = show_study(found, name, study.records, closed, settings, console)
    if best is None:
        raise BadInput("every trial failed", "", "correct the search space; the table says why each one failed")
    if winner:
        _register(found, best, settings, console)


def show_study(
    recipe: Recipe, study: str, records: StudyRecords, closed: Closed, settings: Settings, console: Console
) -> dict[str, Scalar] | None:
    """Print the table, write the report, and say how to train the best trial; its values, None if every trial failed."""
    from pipeline.experiments.report import render_report
    from pipeline.experiments.summary import objective_title, set_options, show_objective, trial_rows
    from pipeline.experiments.tracking import StudyTracking

    asks, tells = records.asks(), records.tells()
    rows = trial_rows(recipe, asks, tells)
    page = settings.state.resolve() / "experiments" / f"{study}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_report(recipe, study, asks, tells, closed), encoding="utf-8")
    StudyTracking(settings, recipe, study).close(closed, page)
    console.print(_table(recipe, asks, tells, console))
    best = next((row for row in rows if row.trial == closed.best), None)
    console.print(f"{closed.reason} Report: {page}, and in MLflow's run {study}.", markup=False)
    if best is None:
        return None
    console.print(f"Best: trial {best.trial}, {objective_title(recipe)} {show_objective(recipe, closed.value)}", markup=False)
    console.print(f"Register it: trainshed run {recipe.name} {set_options(best.values)}", markup=False)
    return best.values


def _table(recipe: Recipe, asks: dict[int, Ask], tells: dict[int, Tell], console: Console) -> Table:
    """One row for each trial, the best first."""
    from pipeline.cli.console import new_table
    from pipeline.cli.progress import format_duration
    from pipeline.experiments.space import experiment_of
    from pipeline.experiments.summary import show_objective, show_value, trial_rows
    from pipeline.recipe.experiment_checks import objective_of

    fields = list(experiment_of(recipe).search)
    name = objective_of(recipe)[0]
    table = new_table(console, "trial", *fields, name, "steps", "took", "end", right=frozenset({"trial", *fields, name, "steps", "took"}))
    for row in trial_rows(recipe, asks, tells):
        end = row.reason or ("" if row.last_rung else "stopped at a rung")
        took = format_duration(row.spent.hours * 3600)
        values = (show_value(row.values[field]) for field in fields)
        table.add_row(str(row.trial), *values, show_objective(recipe, row.value), str(row.steps or ""), took, end)
    return table


class _Output:
    """Prints the events of an experiment; see `pipeline.local.experiment.ExperimentListener`."""

    def __init__(self, console: Console, recipe: Recipe) -> None:
        self.console, self.recipe = console, recipe
        self._lock = threading.Lock()
        self._began: dict[int, float] = {}

    def on_ask(self, ask: Ask) -> None:
        """Print a trial's values."""
        from pipeline.experiments.summary import show_value

        self._began[ask.number] = time.monotonic()
        values = ", ".join(f"{field}={show_value(value)}" for field, value in ask.values.items())
        self._print(f"t{ask.trial:03d} {'starts' if ask.rung == 0 else 'goes on'}{f' to step {ask.until}' if ask.until else ''}: {values}")

    def on_line(self, trial: int, step_id: str, line: str) -> None:
        """Print a line of a step."""
        from pipeline.local.command import is_reference

        if not is_reference(line):
            self._print(f"t{trial:03d} {step_id}: {line}")

    def on_tell(self, tell: Tell) -> None:
        """Print what came of a trial."""
        from pipeline.cli.progress import format_duration
        from pipeline.experiments.summary import show_objective

        took = format_duration(time.monotonic() - self._began[tell.number])
        self._print(f"t{tell.trial:03d} {took}: {show_objective(self.recipe, tell.value) or f'failed: {tell.reason}'}")

    def _print(self, line: str) -> None:
        with self._lock:
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _prices(settings: Settings) -> PriceOf:
    """Price of a machine size; the file of sizes is read when the first one is asked for."""
    from pipeline.placement.machine_sizes import machine

    return lambda size: machine(size, settings).price_h


def _register(recipe: Recipe, values: dict[str, Scalar], settings: Settings, console: Console) -> None:
    """Run the recipe's whole line with the best values: the model is in the store, so only its test and registration run."""
    from pipeline.cli.runs import run_here
    from pipeline.recipe.overrides import override

    run_here(override(recipe, values, "the best trial"), frozenset(), settings, console)
