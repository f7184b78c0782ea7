"""A step of the line as an Airflow task: resolve its inputs, launch its component, check the artifact, return a reference to it.

`ComponentMixin` holds everything about a step that does not depend on where its component runs. A launcher mixes it into an
operator, its own or a provider's, and adds `launch`; see `pipeline.launchers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowSkipException

from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import end_task, record_failure, translated_errors
from pipeline.operators.launch import Launch
from pipeline.operators.log_lines import error_in
from pipeline.operators.step_task import step_task

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Reference
    from pipeline.lines import Step
    from pipeline.operators.step_task import StepTask
    from pipeline.operators.xcom import PlannedRun
    from pipeline.planning import PreparedStep
    from pipeline.runs.request import Request
    from pipeline.settings import Settings


class ComponentMixin:
    """What the operators of all launchers share. In the list of base classes it comes before the Airflow operator."""

    def set_step(self, step: Step, ask: int | None = None) -> None:
        """Keep what the task needs to know about its step; called by the operator's `__init__`.

        Args:
            step: the step.
            ask: number of the ask in a study, for a task that is mapped over trials.

        The mixin has no `__init__`: Airflow wraps `__init__` only in an operator class that defines it, and fails on one that is
        inherited from a plain class.
        """
        self.step_id = step.id
        self.ask = ask
        self.stage = step.component.name
        self.machine = step.component.resources
        self.trains = step.component.trains
        self.emits = step.emits
        self.origins = tuple(origin.id for origin in step.upstream)
        self.killed = False
        self.last_error = ""

    def note_error(self, line: str) -> None:
        """Keep the last error that the component logged: a component that cannot reach the store cannot record its failure there.

        Launchers call this with every line.
        """
        self.last_error = error_in(line) or self.last_error

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - Airflow's context
        """Run the component to its end; see `pipeline.operators.launch.Launcher`."""
        raise NotImplementedError

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Run the step unless its artifact exists, and return the artifact's reference.

        Raises:
            AirflowSkipException: the artifact exists by now, or the step is not part of this run.
            AirflowFailException: bad input or a bug.
            TryAgain: the component was preempted or lost, a server is unreachable, or the run is planned again.
        """
        own = step_task(self.ask, context)
        with translated_errors(context, own.name, self.step_id):
            settings = task_settings()
        with translated_errors(context, own.name, self.step_id, settings):
            planned = own.planned(settings)
        with translated_errors(context, planned.run, self.step_id, settings):
            own.check_wanted()
            prepared = own.prepare(self.step_id, self.origins, settings)
        if prepared.reference and prepared.own:
            # an earlier attempt died after the commit: Airflow has not heard of the artifact yet
            with translated_errors(context, planned.run, self.step_id, settings):
                return self._finish(prepared.reference, own, planned, context, settings)
        if prepared.request is None or prepared.request_uri is None:
            self._skip(prepared, context["ti"])
        return self._run_to_end(prepared.request, prepared.request_uri, own, planned, context, settings)

    def resume(self, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Resume an attempt that was deferred; it does not skip when the artifact exists, because it may be this attempt's own.

        Returns and raises the same as `execute`.
        """
        from pipeline.planning import read_request

        own = step_task(self.ask, context)
        with translated_errors(context, own.name, self.step_id):
            settings = task_settings()
        with translated_errors(context, own.name, self.step_id, settings):
            planned = own.planned(settings)
            request, request_uri = read_request(planned.run, self.step_id, settings)
        return self._run_to_end(request, request_uri, own, planned, context, settings)

    def _run_to_end(
        self,
        request: Request,
        request_uri: str,
        own: StepTask,
        planned: PlannedRun,
        context: Any,  # noqa: ANN401 - Airflow's context
        settings: Settings,
    ) -> dict[str, Any]:
        """Run the component to its end and return the artifact's reference."""
        from pipeline.planning import find_result

        size = planned.recipe.resources.of(request.step, self.machine)
        with translated_errors(context, request.run, request.step, settings):
            exit_code = self.launch(Launch(self.stage, request_uri, request, size, self.trains), context)
        if exit_code:
            self._fail(exit_code, request, context, settings)
        with translated_errors(context, request.run, request.step, settings):
            return self._finish(find_result(request, settings), own, planned, context, settings)

    def on_kill(self) -> None:
        """Airflow ends the task: set a flag that the launcher reads while it follows the component."""
        self.killed = True

    def _skip(self, prepared: PreparedStep, task: Any) -> NoReturn:  # noqa: ANN401
        """Skip the task, as the plan task would; the return value of a skipped task is lost, so the reference is pushed first."""
        if prepared.reference is None:
            raise AirflowSkipException("not part of this run")
        task.xcom_push("return_value", prepared.reference.model_dump(mode="json"))
        raise AirflowSkipException(f"artifact {prepared.reference.fingerprint[:12]} exists already")

    def _fail(self, exit_code: int, request: Request, context: Any, settings: Settings) -> NoReturn:  # noqa: ANN401
        from pipeline.artifacts import open_store
        from pipeline.operators.exit_codes import explain_exit
        from pipeline.runs.records import read_failure

        with translated_errors(context, request.run, request.step, settings):
            recorded = read_failure(open_store(settings), request.run, request.step)
        failure = explain_exit(request.step, exit_code, recorded, self.last_error)
        if failure is not recorded:
            record_failure(failure, request.run, request.step, settings)
        end_task(failure, context, request.run, settings)

    def _finish(
        self,
        reference: Reference,
        own: StepTask,
        planned: PlannedRun,
        context: Any,  # noqa: ANN401 - Airflow's context
        settings: Settings,
    ) -> dict[str, Any]:
        """Add the artifact to the events of the task's Assets, and return its reference."""
        from pipeline.operators.asset_events import fill_events

        own.finished(reference)
        fill_events(self.emits, reference, planned, context, settings)
        answer: dict[str, Any] = reference.model_dump(mode="json")
        return answer
