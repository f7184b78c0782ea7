"""Launcher ``kubernetes``: the component is a pod. For a cluster, where training is placed on GPU nodes and all else is not.

The provider's operator brings the connection, the labels its own tools look for, and the cluster's ``pod_mutation_hook``; its
way of following a pod is not used, because it cannot tell a person's "mark failed" from a heartbeat that was lost, forgets the
exit code, and gives up on an API server after five tries (`docs/decisions/0005-pods-followed-by-name.md`).

Where Airflow is told ``[operators] default_deferrable``, a task leaves its worker once its pod has run for a minute, a trigger waits
for the end, and the task goes on as a retry would: it finds the pod by its name.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout
from kubernetes.config import ConfigException

from pipeline.errors import BadInput
from pipeline.launchers.kubernetes.cluster import Cluster
from pipeline.launchers.kubernetes.follow_pod import Follower
from pipeline.launchers.kubernetes.render import CONTAINER, render_pod
from pipeline.launchers.kubernetes.trigger import Ended
from pipeline.launchers.reattach import Course, course, state_of_task
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.credentials import task_settings
from pipeline.operators.exit_codes import TryAgain
from pipeline.placement.machine_sizes import machine
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

    from pipeline.line import Step
    from pipeline.operators.launch import Launch
    from pipeline.settings import Settings

POLL_S = 1.0
MINUTE_S = 60.0
WORTH_LEAVING_S = 60.0
"""What is over sooner is not worth two ways through the scheduler."""


class Leave(Exception):
    """The task has to end."""

    def __init__(self, course: Course) -> None:
        """And this is to be done about its pod."""
        super().__init__(course)
        self.course = course


class KubernetesOperator(ComponentMixin, KubernetesPodOperator):  # type: ignore[misc]
    """Runs a step in a pod."""

    ui_color = "#dbeafe"
    # the pod is rendered from the request when the task runs; there is nothing for Jinja to fill in
    template_fields = ()

    def __init__(self, *, step: Step, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """A task for the step, called like it."""
        settings = load_settings()
        super().__init__(
            task_id=step.id,
            kubernetes_conn_id=settings.kubernetes_connection,
            namespace=settings.kubernetes_namespace,
            base_container_name=CONTAINER,
            random_name_suffix=False,
            termination_message_policy="FallbackToLogsOnError",
            # the address of the artifact is known before the pod starts: no sidecar has to carry it out
            do_xcom_push=False,
            **options,
        )
        self.take(step)
        self.seen: str | None = None
        self.refused = ""

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Do the step; the reference is pushed here, because what pushes an operator's answer would also add the sidecar."""
        return self._push(super().execute(context), context)

    def awaited(self, context: Any, event: dict[str, str], seen: str) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        """Go on after the trigger has waited.

        Args:
            context: of the task.
            event: of the trigger; ``refused`` in it says why it cannot wait, so this attempt does.
            seen: time of the last line that was shown before.
        """
        self.seen, self.refused = seen, event.get("refused", "")
        if self.refused:
            self.log.warning("the triggerer cannot wait for the pod (%s): this task follows it itself", self.refused)
        return self._push(super().resume(context), context)

    def _push(self, reference: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's context
        context["ti"].xcom_push("return_value", reference)
        return reference

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - the same for every launcher
        """Start the pod, or find the one an earlier attempt left, and follow it."""
        settings = task_settings()
        rendered = render_pod(attempt, machine(attempt.resources, settings), settings)
        self.full_pod_spec = PodGenerator.deserialize_model_dict(rendered)
        self._connect()
        return self._follow(Cluster, self.build_pod_request_obj(context), rendered["metadata"]["name"], context, settings)

    def _follow(self, kind: type[Cluster], what: Any, name: str, context: Any, settings: Settings) -> int:  # noqa: ANN401
        """See what is to be started to its end, or leave it as Airflow wants."""

        def pause() -> None:
            self._pause(context)

        retry_s = settings.kubernetes_retry_min * MINUTE_S
        began = time.monotonic()

        def running(uid: str, seen: str) -> None:
            if self.deferrable and not self.refused and time.monotonic() - began >= WORTH_LEAVING_S:
                waits = Ended(self.kubernetes_conn_id, kind.resource, settings.kubernetes_namespace, name, uid, retry_s)
                self.log.info("%s goes on; a trigger waits for its end", name)
                self.defer(trigger=waits, method_name="awaited", kwargs={"seen": seen}, timeout=self.execution_timeout)

        cluster = kind(self._connect, settings.kubernetes_namespace, retry_s, pause)
        follower = Follower(cluster, name, what, pause, settings.kubernetes_queue_min * MINUTE_S, self.hear, running, self.seen)
        try:
            return follower.run()
        except AirflowTaskTimeout:
            follower.stop()
            raise
        except Leave as leave:
            # the answer is known; what follows may take more than one try
            self.killed = False
            if leave.course is Course.DETACH:
                raise TryAgain("this attempt ends; its pod goes on, and the next attempt follows it") from leave
            follower.stop()
            raise TryAgain("stopped: the pod checkpoints and ends") from leave

    def on_kill(self) -> None:
        """Airflow wants the task to end; what is done about the pod is decided where it is followed."""
        ComponentMixin.on_kill(self)

    def _connect(self) -> CoreV1Api:
        """A client with the credentials the connection has now.

        Raises:
            BadInput: it leads to no cluster.
        """
        self.__dict__.pop("hook", None)
        try:
            api: CoreV1Api = self.hook.core_v1_client
        except (AirflowException, ConfigException, OSError) as error:
            raise BadInput(
                f"no way to a cluster by the Airflow connection {self.kubernetes_conn_id!r}: {error}",
                "a connection, a kubeconfig, or a worker inside the cluster",
                "make the connection, or correct TRAINSHED_KUBERNETES_CONNECTION",
            ) from error
        return api

    def _pause(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Wait a moment.

        Raises:
            Leave: Airflow wants the task to end.
        """
        for seconds in (POLL_S, 0):
            now = course(self.killed, lambda: state_of_task(context))
            if now is not Course.GO_ON:
                raise Leave(now)
            time.sleep(seconds)
