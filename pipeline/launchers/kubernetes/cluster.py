"""Calls to the Kubernetes API server, with retries: an answer becomes a value or one of our errors.

An API server that is unreachable for minutes (an upgrade, a network failure) must not end a training that runs on in its pod. So
every call is retried until the time for retries is used up. Before each retry the caller's ``pause`` may raise, if the task has to end.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from pipeline.errors import BadInput, TrainshedError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kubernetes.client import CoreV1Api

log = logging.getLogger(__name__)

RETRYABLE = frozenset({429, 500, 502, 503, 504})
"""HTTP status codes of an API server that may answer later."""

JOB_LABEL = "jobset.sigs.k8s.io/jobset-name"
"""Label of a TrainJob's pods; its JobSet has the same name as the TrainJob."""

TIMEOUT_S = (5, 20)
"""To connect, and to wait for an answer."""


class AlreadyExists(Exception):
    """There is a pod of that name."""


class QuotaExhausted(Exception):
    """The namespace's quota has no room for the pod now."""


class Workload(NamedTuple):
    """A pod or a TrainJob, as the API server has it now."""

    name: str

    uid: str
    """Tells it from another of the same name."""

    deletion_time: datetime | None
    """When its grace ends, if it is being deleted."""

    pod: Any
    """The pod that the component runs in, as the client's V1Pod; None while there is none."""

    waiting: str = ""
    """What it waits for before there is a pod."""

    failed: str = ""
    """Why there will be no pod."""

    succeeded: bool = False
    """Whether it succeeded and its pod is gone already."""


class PodApi:
    """The pods of one namespace."""

    resource = "v1/pods"
    """Their name in the API: group/version/resource."""

    not_found_message = "{message}"
    """What it means if one cannot be created because its kind or its namespace does not exist."""

    not_found_fix = "apply infra/kubernetes, or correct TRAINSHED_KUBERNETES_NAMESPACE"

    def __init__(self, connect: Callable[[], CoreV1Api], namespace: str, retry_s: float, pause: Callable[[], None]) -> None:
        """Nothing is sent yet.

        Args:
            connect: makes a client with fresh credentials.
            namespace: of the pods.
            retry_s: how long an unreachable API server is retried, in seconds.
            pause: waits between two tries; raises when the task has to end.
        """
        self._connect = connect
        self._namespace = namespace
        self._retry_s = retry_s
        self._pause = pause
        self._api: CoreV1Api | None = None

    def create(self, pod: Any) -> None:  # noqa: ANN401 - the client's V1Pod
        """Create a pod.

        Raises:
            AlreadyExists: there is one of that name.
            QuotaExhausted: the quota has no room now.
            BadInput: the API server refuses it.
            Unavailable: the API server is unreachable.
        """
        self._retry("create pods", lambda api: api.create_namespaced_pod(self._namespace, pod, _request_timeout=TIMEOUT_S))

    def read(self, name: str) -> Workload | None:
        """The pod of this name, or None."""
        pod = self._retry("get pods", lambda api: api.read_namespaced_pod(name, self._namespace, _request_timeout=TIMEOUT_S))
        return _workload(pod) if pod else None

    def find(self, selector: str) -> list[Workload]:
        """Pods with these labels, except those of TrainJobs.

        Args:
            selector: labels as ``"name=value,…"``.
        """
        listed = self._retry(
            "list pods",
            lambda api: api.list_namespaced_pod(self._namespace, label_selector=f"{selector},!{JOB_LABEL}", _request_timeout=TIMEOUT_S),
        )
        return [_workload(pod) for pod in listed.items] if listed else []

    def delete(self, name: str, uid: str, grace_s: int | None = None) -> None:
        """Delete the pod if it still has this uid; no error if it is gone.

        Args:
            name: of the pod.
            uid: of the pod.
            grace_s: seconds between SIGTERM and SIGKILL; None for the pod's own grace, 0 to remove it without its node's answer.
        """
        body = {"preconditions": {"uid": uid}, **({} if grace_s is None else {"gracePeriodSeconds": grace_s})}
        self._delete(
            "delete pods", name, lambda api: api.delete_namespaced_pod(name, self._namespace, body=body, _request_timeout=TIMEOUT_S)
        )

    def _delete(self, action: str, name: str, send: Callable[[CoreV1Api], Any]) -> None:
        try:
            self._retry(action, send)
        except AlreadyExists:
            log.info("%s was replaced by another of the same name", name)

    def read_log(self, name: str, container: str, since_s: int | None, lines: int | None) -> str:
        """The container's log, each line with its time first; empty while it cannot be read.

        Args:
            name: of the pod.
            container: its name in the pod.
            since_s: only lines younger than this, in seconds.
            lines: only the last so many lines.
        """
        options = {name: value for name, value in (("since_seconds", since_s), ("tail_lines", lines)) if value is not None}
        try:
            # bytes: the client decodes strictly, and a component may print bytes that are not UTF-8
            answer = self._client().read_namespaced_pod_log(
                name, self._namespace, container=container, timestamps=True, _preload_content=False, _request_timeout=TIMEOUT_S, **options
            )
            text: str = answer.data.decode(errors="replace")
        except (ApiException, HTTPError, OSError) as error:
            # a kubelet that does not answer must not end a running step; the next call reads what this one missed
            log.debug("cannot read the log of pod %s: %s", name, error)
            return ""
        return text

    def _client(self) -> CoreV1Api:
        if self._api is None:
            self._api = self._connect()
        return self._api

    def _retry(self, action: str, send: Callable[[CoreV1Api], Any]) -> Any:  # noqa: ANN401
        """Send a request until there is an answer, see the module's text; None if the object does not exist."""
        until = time.monotonic() + self._retry_s
        logged = reconnected = False
        while True:
            try:
                return send(self._client())
            except (ApiException, HTTPError, OSError) as error:
                status = error.status if isinstance(error, ApiException) else None
                if status == 404 and not action.startswith("create "):
                    return None
                if status == 401 and not reconnected:
                    # the token may have expired: reconnect, once without a pause
                    self._api, reconnected = None, True
                    continue
                if status is not None and status not in RETRYABLE and status != 401:
                    raise self._refusal(action, error) from error
                if time.monotonic() > until:
                    raise _unreachable(status, error) from error
                if not logged:
                    log.warning("the Kubernetes API server is unreachable (%s); retrying", status or type(error).__name__)
                    logged = True
            self._pause()

    def _refusal(self, action: str, error: Any) -> Exception:  # noqa: ANN401 - the client's ApiException
        message = _message(error)
        if error.status == 409:
            return AlreadyExists(message)
        if error.status == 403 and "exceeded quota" in message:
            return QuotaExhausted(message)
        if error.status == 403 and " cannot " in message:
            return BadInput(
                f"no permission to {action} in namespace {self._namespace}: {message}",
                "a service account with the role trainshed-launcher",
                "apply infra/kubernetes, or bind the role",
            )
        if error.status == 404:
            return BadInput(f"namespace {self._namespace}: {self.not_found_message.format(message=message)}", fix=self.not_found_fix)
        return BadInput(f"Kubernetes refuses to {action}: {message}", fix="correct the machine size, or the cluster's policy")


def _workload(pod: Any) -> Workload:  # noqa: ANN401 - the client's V1Pod
    return Workload(pod.metadata.name, pod.metadata.uid, pod.metadata.deletion_timestamp, pod)


def _unreachable(status: int | None, error: Exception) -> TrainshedError:
    if status == 401:
        return BadInput(
            "Kubernetes does not accept the credentials",
            fix="correct the Airflow connection that TRAINSHED_KUBERNETES_CONNECTION names",
        )
    got = f"the Kubernetes API server is unreachable: {status or type(error).__name__}; the pod runs on, and the next attempt finds it"
    return Unavailable(got, fix="check the API server and the network to it")


def _message(error: Any) -> str:  # noqa: ANN401 - the client's ApiException
    """The message in the API server's answer, on one line."""
    try:
        text = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        text = error.reason
    return " ".join(str(text).split())
