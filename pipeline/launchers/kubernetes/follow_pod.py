"""One pod, or a job of one pod, from its beginning to its end: start it or find it, wait, show what it says, learn how it ended, clear it away."""

from __future__ import annotations

import logging
import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.launchers.kubernetes.cluster import AlreadyThere, QuotaExhausted
from pipeline.launchers.kubernetes.pod_status import exit_code, waiting_for
from pipeline.operators.log_lines import show_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.launchers.kubernetes.cluster import Cluster, Found

log = logging.getLogger(__name__)

OVERLAP_S = 2
REATTACHED_LINES = 200
LOST_AFTER_S = 60
"""A pod that was told to end and is still there so long after its grace has no node any more that could say it has ended."""


class Follower:
    """Follows the pod of one attempt."""

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        pod: Any,  # noqa: ANN401
        pause: Callable[[], None],
        queue_s: float,
        hear: Callable[[str], None],
        running: Callable[[str, str], None],
        seen: str | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            cluster: where.
            name: how a retry finds it.
            pod: what to create.
            pause: waits a moment; raises when the task has to end.
            queue_s: how long the pod may wait for quota, admission and a node, in seconds.
            hear: is told every line the component says.
            running: is told now and then, with the pod's uid and the time of the last line that was shown, that it runs; may raise
                to have somebody else wait.
            seen: that time, empty for no line yet, where this attempt has followed the pod before; what came later is all shown.
        """
        self._cluster = cluster
        self._pod = pod
        self._pause = pause
        self._queue_s = queue_s
        self._hear = hear
        self._running = running
        self._name = name
        self._told = ""
        self._uid = ""
        self._read_at: float | None = None
        self._last_line = seen or ""
        self._tail: int | None = None
        self._left_before = seen is not None

    def run(self) -> int:
        """Start the pod, or find it, and follow it to its end; then it is deleted.

        Raises:
            BadInput: it can never start.
            Unavailable: it was lost, or waited too long, or the API server stays away.
        """
        found = self._start()
        self._uid = found.uid
        try:
            code = self._follow(found)
        except BadInput:
            # it would wait for ever
            self.stop()
            raise
        self._cluster.delete(self._name, self._uid)
        return code

    def stop(self) -> None:
        """Tell the pod to checkpoint and end, also one that was made but not yet seen."""
        found = self._cluster.read(self._name)
        if found is not None:
            self._cluster.delete(self._name, found.uid)

    def _start(self) -> Found:
        """The pod that runs already, or a new one once there is room for it."""
        until = time.monotonic() + self._queue_s
        while True:
            try:
                self._cluster.create(self._pod)
            except AlreadyThere:
                pass
            except QuotaExhausted as error:
                self._tell(f"waiting for quota: {error}")
                if time.monotonic() > until:
                    raise self._waited("quota", str(error)) from error
                self._pause()
                continue
            else:
                log.info("pod %s is started", self._name)
            found = self._cluster.read(self._name)
            # one that is on its way out is no longer ours: it is waited for, and a new one started
            if found is not None and found.ending is None:
                self._attach(found)
                return found
            if found is not None:
                self._forget_if_lost(found)
                self._tell("waiting for the end of an earlier pod of this name")
            self._pause()

    def _attach(self, found: Found) -> None:
        phase = _phase(found)
        if phase != "Pending":
            log.info("pod %s is there already (%s): following it", self._name, phase)
            self._tail = None if self._left_before else REATTACHED_LINES

    def _follow(self, found: Found | None) -> int:
        until = time.monotonic() + self._queue_s
        while True:
            if found is None or found.uid != self._uid:
                raise Unavailable(
                    f"pod {self._name} is gone: its node was lost, or somebody deleted it", "a pod that ends by itself", "run it again"
                )
            pending = _phase(found) == "Pending"
            code = self._ended(found)
            if code is not None:
                return code
            if pending:
                self._wait(found, until)
            else:
                self._show(found.pod)
                self._running(self._uid, self._last_line)
            self._forget_if_lost(found)
            self._pause()
            found = self._cluster.read(self._name)

    def _ended(self, found: Found) -> int | None:
        """How it ended, with everything it said shown before; None while it runs."""
        if _phase(found) in {"Succeeded", "Failed"}:
            self._show(found.pod)
        if found.failed:
            self._cluster.delete(self._name, self._uid)
            raise Unavailable(f"{self._name} failed: {found.failed}", "a job that runs", "see its events; it is tried again")
        try:
            if found.pod is None:
                return 0 if found.done else None
            return exit_code(found.pod)
        except Unavailable:
            # an end is told once: the next attempt starts a pod of its own
            self._cluster.delete(self._name, self._uid)
            raise

    def _wait(self, found: Found, until: float) -> None:
        reason = waiting_for(found.pod) if found.pod else found.waiting
        if reason:
            self._tell(f"waiting for {reason}")
        if time.monotonic() > until:
            self.stop()
            raise self._waited("a node", reason)

    def _waited(self, wanted: str, reason: str) -> TrainshedError:
        minutes = round(self._queue_s / 60)
        return Unavailable(
            f"pod {self._name} waited {minutes} minutes for {wanted}: {reason}",
            "room in the cluster",
            "name a smaller size under resources: in the recipe, or raise the quota",
        )

    def _forget_if_lost(self, found: Found) -> None:
        """Remove by force what no kubelet will ever remove; should it still run somewhere, its lease ends and it can commit nothing.

        Raises:
            Unavailable: this was the pod that is followed.
        """
        ending = found.ending
        if ending is None or (datetime.now(UTC) - ending).total_seconds() < LOST_AFTER_S:
            return
        self._cluster.delete(self._name, found.uid, grace_s=0)
        if found.uid == self._uid:
            raise Unavailable(
                f"pod {self._name} lost its node", "a node that stays", "nothing: the next attempt goes on from the last checkpoint"
            )

    def _show(self, pod: Any) -> None:  # noqa: ANN401 - the client's V1Pod
        """Log what the component has said since it was last asked.

        The server is asked for the seconds since the last reading, which needs no two clocks to agree; lines that were shown
        are known by their times, which a kubelet writes with all nine digits.
        """
        now = time.monotonic()
        since = None if self._read_at is None else math.ceil(now - self._read_at) + OVERLAP_S
        text = self._cluster.log(pod.metadata.name, pod.spec.containers[0].name, since, self._tail if since is None else None)
        if text:
            self._read_at = now
        for stamped in text.splitlines():
            moment, _, line = stamped.partition(" ")
            if moment > self._last_line:
                self._last_line = moment
                show_line(log, line)
                self._hear(line)

    def _tell(self, news: str) -> None:
        """Log it unless it was the last thing told."""
        if news != self._told:
            log.info("%s", news)
            self._told = news


def _phase(found: Found) -> str:
    return found.pod.status.phase if found.pod else "Pending"
