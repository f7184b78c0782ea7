"""`trainshed experiment`: run trials of a recipe with other values, compare them, and train or register the best."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import BadInput

DAG_FILE = "experiment.py"
"""The file in `dags/` that makes the DAGs of experiments."""

POLL_S = 2.0

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.experiments.records import Ask, Closed, StudyRecords, Tell
    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Scalar
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, DagRun


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
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    found = find_given(recipe, settings)
    if found.experiment is None:
        raise BadInput(f"recipe {found.name} has no experiment", "a section with search, method and trials", "see docs/experiments.md")
    if local:
        _run_here(recipe, found, resume, settings, console, winner=winner)
    else:
        _run_in_airflow(recipe, resume, settings, console, winner=winner)


def _run_here(given: str, recipe: Recipe, resume: str, settings: Settings, console: Console, *, winner: bool) -> None:
    from pipeline.local.experiment import LocalExperiment
    from pipeline.operators.study import prices
    from pipeline.runs.names import EXPERIMENT, dag_name, new_run_name

    name = resume or new_run_name(dag_name(recipe.name, EXPERIMENT))
    study = LocalExperiment(recipe, name, settings, _Output(console, recipe), prices(settings))
    if resume and study.records.began() is None:
        raise _unknown(resume)
    console.print(f"{name}   resume: trainshed experiment {given} --local --resume {name}", markup=False)
    closed = study.execute()
    best = show_study(recipe, name, study.records, closed, settings, console)
    if best is None:
        raise BadInput("every trial failed", "", "correct the search space; the table says why each one failed")
    if winner:
        _register(recipe, best, settings, console)


def _run_in_airflow(given: str, resume: str, settings: Settings, console: Console, *, winner: bool) -> None:
    """Start the DAG, or clear the failed tasks of its run, and follow it."""
    from pipeline.cli.runs import find_given, find_run, submit_given
    from pipeline.experiments.shape import study_shape
    from pipeline.launchers.check_sizes import check_sizes
    from pipeline.runs.names import EXPERIMENT, dag_name, new_run_name
    from pipeline.submission.airflow_client import Airflow
    from pipeline.submission.submit import wait_for_tasks

    airflow = Airflow(settings)
    if resume:
        if winner:
            raise BadInput(
                "--register with --resume", "what the experiment began with", "leave it out; the end says how to register the best trial"
            )
        run = find_run(airflow, resume)
        if run.dag != dag_name(find_given(given, settings).name, EXPERIMENT):
            raise BadInput(f"{resume} is no experiment of {given}, but a run of {run.dag}", "the name that it printed", "correct --resume")
        if run.state == "failed":
            airflow.clear_failed(run.dag, run.id)
    else:
        recipe = submit_given(given, settings)
        check_sizes(recipe, settings)
        dag = dag_name(recipe.name, EXPERIMENT)
        wait_for_tasks(airflow, dag, frozenset(study_shape(recipe).task_ids), DAG_FILE)
        study = new_run_name(dag)
        airflow.trigger(dag, study, {"register": winner})
        run = airflow.run(dag, study)
    follow_study(airflow, run, settings, console)


def follow_study(airflow: Airflow, run: DagRun, settings: Settings, console: Console) -> None:
    """Print what happens in an experiment in Airflow until it ends, and then its table.

    Raises:
        Interrupted: Ctrl-C; the run continues.
        TrainshedError: the run failed; the error of the first failed task.
    """
    from pipeline.artifacts import open_store
    from pipeline.cli.watch import WatchedRun, failure_of
    from pipeline.errors import Interrupted
    from pipeline.experiments.records import StudyRecords
    from pipeline.experiments.shape import study_shape
    from pipeline.recipe import Recipe
    from pipeline.runs.names import run_name

    name, store = run_name(run.dag, run.id), open_store(settings)
    records = StudyRecords(store, name)
    console.print(f"{name}   watch: trainshed watch {name}   stop: trainshed stop {name}", markup=False)
    try:
        state = _follow(airflow, run, records, console)
    except KeyboardInterrupt as error:
        raise Interrupted(f"detached; {name} continues: `trainshed watch {name}` shows it, `trainshed stop {name}` stops it") from error
    began, closed = records.began(), records.closed()
    if began and closed:
        show_study(Recipe.model_validate(began.recipe), name, records, closed, settings, console)
    if state != "success":
        steps = study_shape(Recipe.model_validate(began.recipe)).task_ids[1:] if began else ()
        raise failure_of(WatchedRun(airflow, run, name, steps, store))


def _follow(airflow: Airflow, run: DagRun, records: StudyRecords, console: Console) -> str:
    """Print what is asked and told as it comes, and return the state of the run at its end."""
    from pipeline.recipe import Recipe

    output: _Output | None = None
    shown: set[tuple[str, int]] = set()
    while True:
        state = airflow.run(run.dag, run.id).state
        began = records.began()
        output = output or (_Output(console, Recipe.model_validate(began.recipe)) if began else None)
        if output:
            for number, ask in records.asks().items():
                if ("ask", number) not in shown:
                    output.on_ask(ask)
                tell = records.tells().get(number)
                if tell and ("tell", number) not in shown:
                    output.on_tell(tell)
                shown |= {("ask", number)} | ({("tell", number)} if tell else set())
        if state in {"success", "failed"}:
            return state
        time.sleep(POLL_S)


def _unknown(study: str) -> BadInput:
    return BadInput(f"no experiment {study!r} in the store", "the name that it printed", "leave out --resume to begin one")


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


def _register(recipe: Recipe, values: dict[str, Scalar], settings: Settings, console: Console) -> None:
    """Run the recipe's whole line with the best values: the model is in the store, so only its test and registration run."""
    from pipeline.cli.runs import run_here
    from pipeline.recipe.overrides import override

    run_here(override(recipe, values, "the best trial"), frozenset(), settings, console)
