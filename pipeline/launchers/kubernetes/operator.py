"""Launcher ``kubernetes``: each component runs in a pod, placed on a node that fits its machine size.

The provider's operator brings the connection, the labels that its own tools look for, and the cluster's ``pod_mutation_hook``. Its way
of following a pod is not used: it cannot tell a person's "mark failed" from a lost heartbeat, loses the exit code, and gives up on an
API server after five tries (`docs/decisions/0005-pods-followed-by-name.md`).

With Airflow's setting ``[operators] default_deferrable`` a task is deferred when its pod has run for a minute: a trigger waits for the
end of the pod, and the task then resumes as a retry would, by finding the pod by its name.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout
from kubernetes.config import ConfigException

from pipeline.errors import BadInput
from pipeline.launchers.kubernetes.cluster import PodApi
from pipeline.launchers.kubernetes.follow_pod import PodFollower
from pipeline.launchers.kubernetes.render import CONTAINER, render_pod
from pipeline.launchers.kubernetes.stop_outdated import stop_outdated
from pipeline.launchers.kubernetes.trigger import PodEndTrigger
from pipeline.launchers.reattach import Action, next_action, task_state
from pipeline.machine_sizes import machine
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.credentials import task_settings
from pipeline.operators.exit_codes import TryAgain
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

    from pipeline.lines import Step
    from pipeline.operators.launch import Launch
    from pipeline.settings import Settings

POLL_S = 1.0
MINUTE_S = 60.0
DEFER_AFTER_S = 60.0
"""A shorter step does not pay for the two extra passes through the scheduler."""


class TaskEnding(Exception):
    """Airflow ends the task; ``action`` says what happens to its pod."""

    def __init__(self, action: Action) -> None:
        """Keep the action."""
        super().__init__(action)
        self.action = action


class KubernetesOperator(ComponentMixin, KubernetesPodOperator):  # type: ignore[misc]
    """Runs a step in a pod."""

    ui_color = "#dbeafe"
    # the pod is built from the request when the task runs: Jinja has nothing to fill in
    template_fields = ()

    def __init__(self, *, step: Step, ask: int | None = None, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task; its id is the step's, unless ``task_id`` names another. ``ask`` as of `set_step`."""
        settings = load_settings()
        super().__init__(
            task_id=options.pop("task_id", step.id),
            kubernetes_conn_id=settings.kubernetes_connection,
            namespace=settings.kubernetes_namespace,
            base_container_name=CONTAINER,
            random_name_suffix=False,
            termination_message_policy="FallbackToLogsOnError",
            # the artifact's address is known before the pod starts: no sidecar has to return it
            do_xcom_push=False,
            **options,
        )
        self.set_step(step, ask)
        self.last_line: str | None = None
        self.trigger_error = ""

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Run the step; the reference is pushed here, because ``do_xcom_push`` would also add the sidecar."""
        return self._push(super().execute(context), context)

    def resume_after_trigger(self, context: Any, event: dict[str, str], last_line: str) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Resume the task after the trigger has fired.

        Args:
            context: of the task.
            event: of the trigger; ``error`` in it says why the trigger cannot wait, so that this task waits itself.
            last_line: time of the last line that was shown before.
        """
        self.last_line, self.trigger_error = last_line, event.get("error", "")
        if self.trigger_error:
            self.log.warning("the triggerer cannot wait for the pod (%s): this task follows it", self.trigger_error)
        return self._push(super().resume(context), context)

    def _push(self, reference: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        context["ti"].xcom_push("return_value", reference)
        return reference

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - the same for every launcher
        """Create the pod, or find that of an earlier attempt, and follow it to its end."""
        settings = task_settings()
        rendered = render_pod(attempt, machine(attempt.resources, settings), settings)
        self.full_pod_spec = PodGenerator.deserialize_model_dict(rendered)
        self._connect()
        return self._follow([PodApi], self.build_pod_request_obj(context), rendered["metadata"], context, settings)

    def _follow(self, kinds: list[type[PodApi]], spec: Any, metadata: dict[str, Any], context: Any, settings: Settings) -> int:  # noqa: ANN401
        """Follow the pod or TrainJob to its end, or stop it, or detach from it.

        Args:
            kinds: its kind, then others that an earlier plan may have started.
            spec: what to create.
            metadata: its name and labels.
            context: of the task.
            settings: of the task.
        """
        name, kind = metadata["name"], kinds[0]

        def pause() -> None:
            self._pause(context)

        retry_s = settings.kubernetes_retry_min * MINUTE_S
        began = time.monotonic()

        def defer_if_long(uid: str, last_line: str) -> None:
            if self.deferrable and not self.trigger_error and time.monotonic() - began >= DEFER_AFTER_S:
                trigger = PodEndTrigger(self.kubernetes_conn_id, kind.resource, settings.kubernetes_namespace, name, uid, retry_s)
                self.log.info("deferred: a trigger waits for the end of %s", name)
                kwargs = {"last_line": last_line}
                self.defer(trigger=trigger, method_name="resume_after_trigger", kwargs=kwargs, timeout=self.execution_timeout)

        apis = [one(self._connect, settings.kubernetes_namespace, retry_s, pause) for one in kinds]
        queue_s = settings.kubernetes_queue_min * MINUTE_S
        follower = PodFollower(apis[0], name, spec, pause, queue_s, self.note_error, defer_if_long, self.last_line)
        try:
            stop_outdated(apis, name, metadata["labels"], pause)
            return follower.run()
        except AirflowTaskTimeout:
            follower.stop()
            raise
        except TaskEnding as ending:
            # the action is known; the API calls that follow may need retries
            self.killed = False
            if ending.action is Action.DETACH:
                raise TryAgain(f"detached from {name}, which runs on; the next attempt re-attaches") from ending
            follower.stop()
            raise TryAgain(f"stopped {name}: it checkpoints and ends") from ending

    def on_kill(self) -> None:
        """Airflow ends the task; `_pause` decides what happens to the pod."""
        ComponentMixin.on_kill(self)

    def _connect(self) -> CoreV1Api:
        """A client with the current credentials of the connection.

        Raises:
            BadInput: the connection leads to no cluster.
        """
        self.__dict__.pop("hook", None)
        try:
            api: CoreV1Api = self.hook.core_v1_client
        except (AirflowException, ConfigException, OSError) as error:
            raise BadInput(
                f"the Airflow connection {self.kubernetes_conn_id!r} leads to no cluster: {error}",
                "a connection, a kubeconfig, or a worker inside the cluster",
                "create the connection, or correct TRAINSHED_KUBERNETES_CONNECTION",
            ) from error
        return api

    def _pause(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Wait for `POLL_S`.

        Raises:
            TaskEnding: Airflow ends the task.
        """
        for seconds in (POLL_S, 0):
            action = next_action(self.killed, lambda: task_state(context))
            if action is not Action.CONTINUE:
                raise TaskEnding(action)
            time.sleep(seconds)
