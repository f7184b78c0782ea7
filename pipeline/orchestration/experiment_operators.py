"""The tasks of an experiment that no trial owns: begin the study, ask for a round, find who needs a step, and close the study."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from pipeline.errors import BadInput, unknown_name
from pipeline.experiments.schedule import count_rounds
from pipeline.experiments.shape import ask_task
from pipeline.experiments.trial import LINE
from pipeline.launchers.check_sizes import check_sizes
from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import translated_errors
from pipeline.operators.start_dag import start_dag
from pipeline.operators.study import open_study, prices
from pipeline.orchestration.plan_operator import PlanOperator
from pipeline.runs.names import run_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.experiments.records import Closed
    from pipeline.operators.xcom import PlannedRun
    from pipeline.planning import Plan
    from pipeline.planning.study import OpenStudy
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

REGISTER = "register"
"""Field of the trigger form: whether the best trial is registered at the end."""

NOT_DONE = frozenset({"failed", "upstream_failed"})


class BeginStudyOperator(PlanOperator):
    """Records a study, with its sources as they are now, and plans the steps that all its trials share."""

    def __init__(self, *, recipe: Recipe, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Keep the recipe as the DAG file read it."""
        super().__init__(recipe=recipe, line=LINE, **options)

    def idle(self, plan: Plan) -> list[Any]:
        """The shared steps whose artifact exists; the study itself is never idle."""
        return [self.dag.get_task(step_id) for step_id in plan.idle if self.dag.has_task(step_id)]

    def planned(self, run: str, settings: Settings, context: Any) -> PlannedRun:  # noqa: ANN401 - Airflow's context
        """Record the study, and plan a trial with the recipe's own values; the run's name is the study's."""
        from pipeline.experiments.tracking import StudyTracking
        from pipeline.operators.xcom import PlannedRun
        from pipeline.planning import plan_run
        from pipeline.planning.study import begin_study

        check_form(context["params"])
        check_sizes(self.recipe, settings)
        person = context["dag_run"].triggering_user_name
        pinned = begin_study(self.recipe, run, settings, prices(settings), person).pinned
        # opens its run in MLflow, with the tags that its trials are found by, before the plan would open it without
        StudyTracking(settings, self.recipe, run)
        plan = plan_run(self.recipe, run, settings, line=LINE, started_by=person, pinned=pinned)
        return PlannedRun(recipe=self.recipe, force=frozenset(), pinned=pinned, plan=plan)


class StudyOperator(BaseOperator):  # type: ignore[misc]
    """A task that reads and writes the records of the run's study."""

    ui_color = "#ede9fe"

    def execute(self, context: Any) -> Any:  # noqa: ANN401 - Airflow's context
        """Open the study and do the task's part.

        Raises:
            AirflowFailException: a trial did not end, or a bug.
            TryAgain: the store or MLflow is unreachable.
        """
        study = run_name(context["dag"].dag_id, context["run_id"])
        with translated_errors(context, study, self.task_id):
            settings = task_settings()
        with translated_errors(context, study, self.task_id, settings):
            return self.work(open_study(study, settings), context)

    def work(self, study: OpenStudy, context: Any) -> Any:  # noqa: ANN401 - Airflow's context
        """The task's part."""
        raise NotImplementedError


class AskOperator(StudyOperator):
    """Tells what came of the round before, and asks for the next one."""

    def __init__(self, *, number: int, step_id: str, after: str, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task.

        Args:
            number: of the round, from 1.
            step_id: the first step that differs among trials.
            after: id of the task that asked for the round before, or of the last task before the first round.
            options: Airflow's own.
        """
        super().__init__(task_id=ask_task(number), **options)
        self.number, self.step_id, self.after = number, step_id, after

    def work(self, study: OpenStudy, context: Any) -> list[int]:  # noqa: ANN401 - Airflow's context
        """Numbers of the asks whose trials have to run the step."""
        check_before(self.after, context)
        study.tell_ended(before=self.number)
        asks = study.ask()
        for ask in asks:
            self.log.info("trial %d%s: %s", ask.trial, f" to step {ask.until}" if ask.until else "", ask.values)
        return study.needing(asks, self.step_id)


class NeedOperator(StudyOperator):
    """Finds which trials of a round have to run a later step."""

    def __init__(self, *, step_id: str, after: str, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task.

        Args:
            step_id: the step.
            after: id of the task that asked for the round.
            options: Airflow's own.
        """
        super().__init__(**options)
        self.step_id, self.after = step_id, after

    def work(self, study: OpenStudy, context: Any) -> list[int]:  # noqa: ANN401 - Airflow's context
        """Numbers of their asks."""
        check_before(self.after, context)
        return study.needing(study.open_asks(), self.step_id)


class CloseStudyOperator(StudyOperator):
    """Ends a study: the best trial, the report, and, where it is wanted, a run of the recipe with the best values."""

    def __init__(self, *, after: str, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task; ``after`` is the id of the task that asked for the last round."""
        super().__init__(**options)
        self.after = after

    def work(self, study: OpenStudy, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Tell what came of the last round, and end."""
        check_before(self.after, context)
        study.tell_ended(before=count_rounds(study.recipe) + 1)
        closed = study.close()
        self._report(study, closed)
        self.log.info("%s Best: %s", closed.reason, "none, every trial failed" if closed.best is None else f"trial {closed.best}")
        if closed.best is None:
            raise BadInput("every trial failed", "", "correct the search space; the report says why each one failed")
        if context["params"].get(REGISTER):
            asked = study.records.asks().values()
            self._register(study, next(ask.values for ask in asked if ask.trial == closed.best), context)

    def _report(self, study: OpenStudy, closed: Closed) -> None:
        from pipeline.experiments.report import render_report

        with TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            asks, tells = study.records.asks(), study.records.tells()
            page.write_text(render_report(study.recipe, study.study, asks, tells, closed), encoding="utf-8")
            study.tracking.close(closed, page)

    def _register(self, study: OpenStudy, values: Mapping[str, Any], context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Start the recipe with the best values: the model is in the store, so only its test and its registration run."""
        recipe = study.recipe.name
        run_id = f"experiment__{study.study.removeprefix(context['dag'].dag_id + '-')}"
        refused = start_dag(recipe, run_id, values, reset=True)
        if refused:
            raise BadInput(
                f"Airflow does not start {recipe}: {refused}", "", f"start it by hand; the values are in the report of {study.study}"
            )
        self.log.info("registering it: run %s", run_name(recipe, run_id))


def check_form(params: Mapping[str, Any]) -> None:
    """Check what a run was started with.

    Raises:
        BadInput: a field that the form has not.
    """
    for name in params:
        if name != REGISTER:
            raise unknown_name("field of the trigger form", name, [REGISTER])


def check_before(task_id: str, context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """Check that a task before this one succeeded: this one also runs when trials failed, and Airflow's rules cannot tell these apart.

    Raises:
        AirflowFailException: it failed.
    """
    task, run = context["ti"], context["run_id"]
    states = task.get_task_states(task.dag_id, task_ids=[task_id], run_ids=[run]).get(run, {})
    if str(states.get(task_id)) in NOT_DONE:
        raise AirflowFailException(f"{task_id} failed")
