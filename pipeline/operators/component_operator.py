"""A step of the line as an Airflow task: resolve, launch, confirm, hand on a reference.

`ComponentMixin` is everything about a step that does not depend on where its component runs. A launcher mixes it into an
operator, its own or a provider's, and adds `launch`; see `pipeline.launchers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowSkipException

from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import airflow_errors, end, leave
from pipeline.operators.launch import Launch
from pipeline.operators.log_lines import error_in

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Reference
    from pipeline.line import Step
    from pipeline.operators.xcom import Planned
    from pipeline.planning import PreparedStep
    from pipeline.runs.request import Request
    from pipeline.settings import Settings


class ComponentMixin:
    """What every launcher's operator shares. It stands before the operator among the bases."""

    def take(self, step: Step) -> None:
        """Remember what of the step is needed when the task runs; called by the operator's `__init__`.

        The mixin has no `__init__` of its own: Airflow's operators wrap `__init__` only in a class that defines it, and fail
        over one that comes from a plain class.
        """
        self.stage = step.component.name
        self.machine = step.component.resources
        self.trains = step.component.trains
        self.origins = tuple(origin.id for origin in step.upstream)
        self.killed = False
        self.heard = ""

    def hear(self, line: str) -> None:
        """Remember the last error the component logged: one that cannot reach the store cannot leave its reason there.

        Launchers call this with every line.
        """
        self.heard = error_in(line) or self.heard

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - Airflow's context
        """Run the component to its end; see `pipeline.operators.launch.Launcher`."""
        raise NotImplementedError

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Do the step unless it turns out to be done, and return the artifact's reference.

        Raises:
            AirflowSkipException: the artifact exists meanwhile, or the step is left out of this run.
            AirflowFailException: bad input or a bug.
            TryAgain: preempted, a lost worker, something is away, or the run is planned anew.
        """
        from pipeline.operators.xcom import pull_planned

        task = context["ti"]
        planned = pull_planned(task)
        with airflow_errors(context, planned.run, task.task_id):
            settings = task_settings()
        with airflow_errors(context, planned.run, task.task_id, settings):
            prepared = self._prepare(planned, task, settings)
        if prepared.request is None or prepared.request_uri is None:
            self._nothing_to_do(prepared, task)
        return self._see_through(prepared.request, prepared.request_uri, planned, context, settings)

    def resume(self, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Go on with an attempt that had left its worker; the store is not asked whether the artifact exists: by now it may.

        Returns and raises what `execute` does.
        """
        from pipeline.operators.xcom import pull_planned
        from pipeline.planning import read_request

        task = context["ti"]
        planned = pull_planned(task)
        with airflow_errors(context, planned.run, task.task_id):
            settings = task_settings()
        with airflow_errors(context, planned.run, task.task_id, settings):
            request, request_uri = read_request(planned.run, task.task_id, settings)
        return self._see_through(request, request_uri, planned, context, settings)

    def _see_through(
        self,
        request: Request,
        request_uri: str,
        planned: Planned,
        context: Any,  # noqa: ANN401 - Airflow's context
        settings: Settings,
    ) -> dict[str, Any]:
        """Launch the component, see it to its end, and return the artifact's reference."""
        from pipeline.planning import find_result

        size = planned.recipe.resources.of(request.step, self.machine)
        with airflow_errors(context, request.run, request.step, settings):
            exit_code = self.launch(Launch(self.stage, request_uri, request, size, self.trains), context)
        if exit_code:
            self._failed(exit_code, request, context, settings)
        with airflow_errors(context, request.run, request.step, settings):
            reference = find_result(request, settings)
            self._tell(reference, planned, context, settings)
        answer: dict[str, Any] = reference.model_dump(mode="json")
        return answer

    def on_kill(self) -> None:
        """Airflow wants the task to end: the launcher looks at the flag and tells the component to checkpoint."""
        self.killed = True

    def _prepare(self, planned: Planned, task: Any, settings: Settings) -> PreparedStep:  # noqa: ANN401
        from pipeline.operators.xcom import pull_outputs
        from pipeline.planning import prepare_step

        outputs = pull_outputs(task, planned.plan, self.origins)
        return prepare_step(planned.recipe, planned.run, task.task_id, settings, outputs, planned.force)

    def _nothing_to_do(self, prepared: PreparedStep, task: Any) -> NoReturn:  # noqa: ANN401
        """Skip, as the plan would have; a skipped task's return value is lost, so the reference is pushed."""
        if prepared.reference is None:
            raise AirflowSkipException("left out of this run")
        task.xcom_push("return_value", prepared.reference.model_dump(mode="json"))
        raise AirflowSkipException(f"nothing to do: artifact {prepared.reference.fingerprint[:12]} is there")

    def _failed(self, exit_code: int, request: Request, context: Any, settings: Settings) -> NoReturn:  # noqa: ANN401
        from pipeline.artifacts import open_store
        from pipeline.operators.exit_codes import failure_of
        from pipeline.runs.records import read_failure

        with airflow_errors(context, request.run, request.step, settings):
            told = read_failure(open_store(settings), request.run, request.step)
        failure = failure_of(request.step, exit_code, told, self.heard)
        if failure is not told:
            leave(failure, request.run, request.step, settings)
        end(failure, context, request.run, settings)

    def _tell(self, reference: Reference, planned: Planned, context: Any, settings: Settings) -> None:  # noqa: ANN401 - Airflow's context
        """Say through Airflow's Assets what there is now."""
        from pipeline.operators.asset_events import fill_events

        fill_events(reference, planned, context, settings)
