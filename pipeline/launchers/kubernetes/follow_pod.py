"""Follows one pod, or one TrainJob, from start to end: creates or finds it, waits for it, shows its log, reads its exit code, deletes it."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.launchers.kubernetes.cluster import AlreadyExists, QuotaExhausted
from pipeline.launchers.kubernetes.pod_status import exit_code, pending_reason
from pipeline.launchers.kubernetes.stop_outdated import remove_if_lost
from pipeline.operators.log_lines import show_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.launchers.kubernetes.cluster import PodApi, Workload

log = logging.getLogger(__name__)

OVERLAP_S = 2
REATTACHED_LINES = 200
"""How many of a pod's earlier lines an attempt shows when it re-attaches."""


class PodFollower:
    """Follows the pod of one attempt."""

    def __init__(
        self,
        api: PodApi,
        name: str,
        spec: Any,  # noqa: ANN401
        pause: Callable[[], None],
        queue_s: float,
        on_line: Callable[[str], None],
        on_running: Callable[[str, str], None],
        last_line: str | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            api: of the namespace.
            name: by which a retry finds it.
            spec: what to create.
            pause: waits between two looks at the pod; raises when the task has to end.
            queue_s: how long the pod may wait for quota, admission and a node, in seconds.
            on_line: called with each line that the component logs.
            on_running: called repeatedly while the pod runs, with its uid and the time of the last line shown; may raise to defer.
            last_line: time of the last line shown before this attempt was deferred, empty if there was none; None if it was not
                deferred. All later lines are shown.
        """
        self._api = api
        self._spec = spec
        self._pause = pause
        self._queue_s = queue_s
        self._on_line = on_line
        self._on_running = on_running
        self._name = name
        self._last_logged = ""
        self._uid = ""
        self._read_at: float | None = None
        self._last_line = last_line or ""
        self._tail: int | None = None
        self._was_deferred = last_line is not None

    def run(self) -> int:
        """Create the pod, or find it, follow it to its end and delete it; returns the component's exit code.

        Raises:
            BadInput: it can never start.
            Unavailable: it was lost, or waited too long, or the API server is unreachable.
        """
        found = self._create_or_find()
        self._uid = found.uid
        try:
            code = self._follow(found)
        except BadInput:
            # it would wait for ever
            self.stop()
            raise
        self._api.delete(self._name, self._uid)
        return code

    def stop(self) -> None:
        """Delete the pod, so that the component checkpoints and ends; also a pod that was created but not read yet."""
        found = self._api.read(self._name)
        if found is not None:
            self._api.delete(self._name, found.uid)

    def _create_or_find(self) -> Workload:
        """The pod that runs already, or a new one as soon as the quota has room."""
        until = time.monotonic() + self._queue_s
        while True:
            try:
                self._api.create(self._spec)
            except AlreadyExists:
                pass
            except QuotaExhausted as error:
                self._log_once(f"waiting for quota: {error}")
                if time.monotonic() > until:
                    raise self._queue_timeout("quota", str(error)) from error
                self._pause()
                continue
            else:
                log.info("created pod %s", self._name)
            found = self._api.read(self._name)
            # one that is being deleted is waited for, and a new one created
            if found is not None and found.deletion_time is None:
                self._attach(found)
                return found
            if found is not None:
                remove_if_lost(self._api, found)
                self._log_once("waiting for the end of an earlier pod of this name")
            self._pause()

    def _attach(self, found: Workload) -> None:
        phase = _phase(found)
        if phase != "Pending":
            log.info("re-attached to pod %s (%s)", self._name, phase)
            self._tail = None if self._was_deferred else REATTACHED_LINES

    def _follow(self, found: Workload | None) -> int:
        until = time.monotonic() + self._queue_s
        while True:
            if found is None or found.uid != self._uid:
                raise Unavailable(f"pod {self._name} disappeared: its node was lost, or somebody deleted it", fix="run it again")
            pending = _phase(found) == "Pending"
            code = self._exit_code(found)
            if code is not None:
                return code
            if pending:
                self._wait(found, until)
            else:
                self._show_log(found.pod)
                self._on_running(self._uid, self._last_line)
            if remove_if_lost(self._api, found):
                raise Unavailable(f"pod {self._name} lost its node", fix="nothing: the next attempt resumes from the last checkpoint")
            self._pause()
            found = self._api.read(self._name)

    def _exit_code(self, found: Workload) -> int | None:
        """The exit code, after all of the log was shown; None while it runs."""
        if _phase(found) in {"Succeeded", "Failed"}:
            self._show_log(found.pod)
        if found.failed:
            self._api.delete(self._name, self._uid)
            raise Unavailable(f"{self._name} failed: {found.failed}", fix="read its events; Airflow retries it")
        try:
            if found.pod is None:
                return 0 if found.succeeded else None
            return exit_code(found.pod)
        except Unavailable:
            # each end counts once: the next attempt creates a new pod
            self._api.delete(self._name, self._uid)
            raise

    def _wait(self, found: Workload, until: float) -> None:
        reason = pending_reason(found.pod) if found.pod else found.waiting
        if reason:
            self._log_once(f"waiting for {reason}")
        if time.monotonic() > until:
            self.stop()
            raise self._queue_timeout("a node", reason)

    def _queue_timeout(self, resource: str, reason: str) -> TrainshedError:
        minutes = round(self._queue_s / 60)
        return Unavailable(
            f"pod {self._name} waited {minutes} minutes for {resource}: {reason}",
            fix="name a smaller size under resources: in the recipe, or raise the quota",
        )

    def _show_log(self, pod: Any) -> None:  # noqa: ANN401 - the client's V1Pod
        """Log the lines that the component has written since the last call.

        The server is asked for a number of seconds, so no two clocks have to agree. Lines shown before are recognized by their
        times, which a kubelet writes with nanoseconds.
        """
        now = time.monotonic()
        since = None if self._read_at is None else math.ceil(now - self._read_at) + OVERLAP_S
        text = self._api.read_log(pod.metadata.name, pod.spec.containers[0].name, since, self._tail if since is None else None)
        if text:
            self._read_at = now
        for stamped in text.splitlines():
            moment, _, line = stamped.partition(" ")
            if moment > self._last_line:
                self._last_line = moment
                show_line(log, line)
                self._on_line(line)

    def _log_once(self, message: str) -> None:
        """Log a message unless it was the last one."""
        if message != self._last_logged:
            log.info("%s", message)
            self._last_logged = message


def _phase(found: Workload) -> str:
    return found.pod.status.phase if found.pod else "Pending"
