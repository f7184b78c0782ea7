"""The run that a task of a step belongs to: that of its DAG, or, for a task that Airflow mapped over trials, that of its trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk.exceptions import AirflowSkipException

from pipeline.errors import Outdated
from pipeline.runs.names import run_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.artifacts.manifest import Reference
    from pipeline.operators.xcom import PlannedRun
    from pipeline.planning import PreparedStep
    from pipeline.planning.study import OpenStudy
    from pipeline.settings import Settings


class StepTask(Protocol):
    """Where a task finds its run."""

    name: str
    """Of the run; failures before `planned` are recorded under it."""

    def planned(self, settings: Settings) -> PlannedRun:
        """The run as it was planned."""

    def check_wanted(self) -> None:
        """Check that the step should begin; `planned` was called before.

        Raises:
            AirflowSkipException: it should not.
        """

    def prepare(self, step_id: str, origins: Iterable[str], settings: Settings) -> PreparedStep:
        """Find the step's artifact, or write its request; `planned` was called before.

        Args:
            step_id: the step.
            origins: ids of the steps whose outputs it reads.
            settings: of the task.
        """

    def finished(self, reference: Reference) -> None:
        """The step's artifact is in the store."""


def step_task(ask: int | None, context: Any) -> StepTask:  # noqa: ANN401 - Airflow's context
    """The run of a task.

    Args:
        ask: number of the ask in a study; None for a task that is not mapped.
        context: of the Airflow task.
    """
    return LineTask(context) if ask is None else TrialTask(ask, context)


class LineTask:
    """The run of the DAG itself: its plan and its artifacts pass through XCom."""

    def __init__(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Read the plan."""
        from pipeline.operators.xcom import pull_plan

        self._task = context["ti"]
        self._planned = pull_plan(self._task)
        self.name = self._planned.run

    def planned(self, settings: Settings) -> PlannedRun:  # noqa: ARG002 - the same for every run
        """As the plan task pushed it."""
        return self._planned

    def check_wanted(self) -> None:
        """It is: the plan task has skipped what is not."""

    def prepare(self, step_id: str, origins: Iterable[str], settings: Settings) -> PreparedStep:
        """By the artifacts that earlier tasks returned."""
        from pipeline.operators.xcom import pull_outputs
        from pipeline.planning import prepare_step

        planned = self._planned
        outputs = pull_outputs(self._task, planned.plan, origins)
        return prepare_step(planned.recipe, planned.run, step_id, settings, outputs, planned.force, planned.plan.line, planned.pinned)

    def finished(self, reference: Reference) -> None:
        """Nothing more to do."""


class TrialTask:
    """The run of one trial: everything is read from the records of its study and from the store."""

    def __init__(self, number: int, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Read nothing yet; ``number`` is that of the ask."""
        self._number = number
        self.name = run_name(context["dag"].dag_id, context["run_id"])
        self._study: OpenStudy | None = None
        self._planned: PlannedRun | None = None

    def planned(self, settings: Settings) -> PlannedRun:
        """The trial as it is in the store now: trials share artifacts, so another one's task may have made an input."""
        from pipeline.operators.study import open_study
        from pipeline.operators.xcom import PlannedRun

        self._study = study = open_study(self.name, settings)
        ask = study.records.asks()[self._number]
        self._planned = PlannedRun(recipe=study.trial(ask), force=frozenset(), pinned=study.began.pinned, plan=study.plan(ask))
        return self._planned

    def check_wanted(self) -> None:
        """Whether what came of the trial is not known yet, and the budget is not used up."""
        assert self._study is not None  # noqa: S101 - `planned` opened it
        if self._number in self._study.records.tells():
            raise AirflowSkipException("the trial has ended")  # a person cleared the task
        reason = self._study.used_up()
        if reason:
            raise AirflowSkipException(reason)

    def prepare(self, step_id: str, origins: Iterable[str], settings: Settings) -> PreparedStep:
        """By the artifacts that are in the store."""
        from pipeline.planning import prepare_step

        assert self._study is not None  # noqa: S101 - `planned` opened it
        assert self._planned is not None  # noqa: S101
        planned = self._planned
        outputs = self._study.outputs(planned.plan)
        for origin in origins:
            if origin not in outputs:
                raise Outdated(f"the artifact of {origin} is no longer in the store")
        return prepare_step(planned.recipe, planned.run, step_id, settings, outputs, line=planned.plan.line, pinned=planned.pinned)

    def finished(self, reference: Reference) -> None:
        """Tell the study: the budget may be used up before the others of the round begin."""
        assert self._study is not None  # noqa: S101 - `planned` opened it
        assert self._planned is not None  # noqa: S101
        self._study.tell(self._study.records.asks()[self._number], self._planned.plan, reference)
