"""The API server, asked with patience: what it answers becomes a value or one of our errors.

An API server that is away for minutes (an upgrade, a network that is mended) must not end a training that goes on beside it, so
every call is made again until the patience is used up. Between two tries the caller is asked whether it still wants to go on.
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

AWAY = frozenset({429, 500, 502, 503, 504})
TIMEOUT_S = (5, 20)
"""To connect, and to wait for an answer."""


class AlreadyThere(Exception):
    """A pod of that name exists."""


class QuotaExhausted(Exception):
    """The namespace's quota leaves no room for the pod now."""


class Found(NamedTuple):
    """What was started, as the API server has it now."""

    uid: str
    """Tells it from another of the same name."""

    ending: datetime | None
    """When it will be gone, if it was deleted already."""

    pod: Any
    """The pod the component runs in, as the client's V1Pod; None while there is none."""

    waiting: str = ""
    """What it waits for before there is a pod."""

    failed: str = ""
    """Why there will be no pod."""

    done: bool = False
    """Whether it ended well, its pod gone already."""


class Cluster:
    """Pods of one namespace."""

    resource = "v1/pods"
    """What the API server calls them: group/version/resource."""

    missing = "{message}"
    """What it means when something cannot be created because there is no place for it."""

    install = "apply infra/kubernetes, or correct TRAINSHED_KUBERNETES_NAMESPACE"
    """And the mend."""

    def __init__(self, connect: Callable[[], CoreV1Api], namespace: str, retry_s: float, pause: Callable[[], None]) -> None:
        """Nothing is asked yet.

        Args:
            connect: makes a client from fresh credentials.
            namespace: where the pods are.
            retry_s: how long an API server that is away is waited for, in seconds.
            pause: waits a moment; raises when the caller has to end.
        """
        self._connect = connect
        self._namespace = namespace
        self._retry_s = retry_s
        self._pause = pause
        self._api: CoreV1Api | None = None

    def create(self, pod: Any) -> None:  # noqa: ANN401 - the client's V1Pod
        """Create a pod.

        Raises:
            AlreadyThere: there is one of that name.
            QuotaExhausted: later there may be room.
            BadInput: it is refused.
            Unavailable: the API server stays away.
        """
        self._call("create pods", lambda api: api.create_namespaced_pod(self._namespace, pod, _request_timeout=TIMEOUT_S))

    def read(self, name: str) -> Found | None:
        """The pod, or None where there is none."""
        pod = self._call("get pods", lambda api: api.read_namespaced_pod(name, self._namespace, _request_timeout=TIMEOUT_S))
        return Found(pod.metadata.uid, pod.metadata.deletion_timestamp, pod) if pod else None

    def delete(self, name: str, uid: str, grace_s: int | None = None) -> None:
        """Delete the pod if it is still the one with this uid; no error where it is gone."""
        body = {"preconditions": {"uid": uid}, **({} if grace_s is None else {"gracePeriodSeconds": grace_s})}
        self._delete(
            "delete pods", name, lambda api: api.delete_namespaced_pod(name, self._namespace, body=body, _request_timeout=TIMEOUT_S)
        )

    def _delete(self, what: str, name: str, ask: Callable[[CoreV1Api], Any]) -> None:
        try:
            self._call(what, ask)
        except AlreadyThere:
            log.info("%s is another by now", name)

    def log(self, name: str, container: str, since_s: int | None, lines: int | None) -> str:
        """What the container said, each line behind its time; empty where nothing can be read (yet).

        Args:
            name: of the pod.
            container: within the pod.
            since_s: only what is younger, in seconds.
            lines: only the last so many lines.
        """
        options = {name: value for name, value in (("since_seconds", since_s), ("tail_lines", lines)) if value is not None}
        try:
            # bytes: the client would decode strictly, and a component may print what is no UTF-8
            answer = self._client().read_namespaced_pod_log(
                name, self._namespace, container=container, timestamps=True, _preload_content=False, _request_timeout=TIMEOUT_S, **options
            )
            text: str = answer.data.decode(errors="replace")
        except (ApiException, HTTPError, OSError) as error:
            # a kubelet that does not answer must not end a step that runs; what is missed now is read next time
            log.debug("the log of pod %s cannot be read: %s", name, error)
            return ""
        return text

    def _client(self) -> CoreV1Api:
        if self._api is None:
            self._api = self._connect()
        return self._api

    def _call(self, what: str, ask: Callable[[CoreV1Api], Any]) -> Any:  # noqa: ANN401
        """Ask until there is an answer; see the module's text."""
        until = time.monotonic() + self._retry_s
        told = refreshed = False
        while True:
            try:
                return ask(self._client())
            except (ApiException, HTTPError, OSError) as error:
                status = error.status if isinstance(error, ApiException) else None
                if status == 404 and not what.startswith("create "):
                    return None
                if status == 401 and not refreshed:
                    # a token that has expired: connect anew, once at once
                    self._api, refreshed = None, True
                    continue
                if status is not None and status not in AWAY and status != 401:
                    raise self._refused(what, error) from error
                if time.monotonic() > until:
                    raise _away(status, error) from error
                if not told:
                    log.warning("the Kubernetes API server does not answer (%s); waiting for it", status or type(error).__name__)
                    told = True
            self._pause()

    def _refused(self, what: str, error: Any) -> Exception:  # noqa: ANN401 - the client's ApiException
        message = _message(error)
        if error.status == 409:
            return AlreadyThere(message)
        if error.status == 403 and "exceeded quota" in message:
            return QuotaExhausted(message)
        if error.status == 403 and " cannot " in message:
            return BadInput(
                f"no permission to {what} in namespace {self._namespace}: {message}",
                "a service account with the role trainshed-launcher",
                "apply infra/kubernetes, or bind the role",
            )
        if error.status == 404:
            return BadInput(
                f"namespace {self._namespace}: {self.missing.format(message=message)}", "a cluster that was prepared", self.install
            )
        return BadInput(
            f"Kubernetes refuses to {what}: {message}", "what the cluster admits", "correct the machine size, or the cluster's policy"
        )


def _away(status: int | None, error: Exception) -> TrainshedError:
    if status == 401:
        return BadInput(
            "Kubernetes does not accept the credentials",
            "valid ones",
            "correct the Airflow connection TRAINSHED_KUBERNETES_CONNECTION names",
        )
    got = f"the Kubernetes API server stays away: {status or type(error).__name__}"
    return Unavailable(got, "an answer", "see whether the cluster is well; the pod goes on, and the next attempt finds it")


def _message(error: Any) -> str:  # noqa: ANN401 - the client's ApiException
    """What the API server says in its answer's body, on one line."""
    try:
        text = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        text = error.reason
    return " ".join(str(text).split())
