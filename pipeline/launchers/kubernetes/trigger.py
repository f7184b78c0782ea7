"""Waiting for the end of a pod, or of a TrainJob, outside of any worker: many of them wait in one event loop, for days.

It only waits. What became of the pod is found out by the task, which goes on in a worker then. When a person ends the task
meanwhile, Airflow asks the trigger, not the task, to stop what runs; a restart of the triggerer does not count as that.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError
from airflow.providers.cncf.kubernetes.hooks.kubernetes import AsyncKubernetesHook
from airflow.triggers.base import BaseTrigger, TriggerEvent
from kubernetes_asyncio.client import CoreV1Api, CustomObjectsApi, V1DeleteOptions, V1Preconditions
from kubernetes_asyncio.client.exceptions import ApiException
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipeline.launchers.kubernetes.cluster import AWAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POLL_S = 10.0
STOP_WITHIN_S = 25.0
"""Airflow gives a trigger thirty seconds to stop what runs."""

NO_ANSWER = (ClientError, OSError, TimeoutError)
GONE, ANOTHER, EXPIRED = 404, 409, 401
ENDED = frozenset({"Succeeded", "Failed"})
"""Phases of a pod."""

OVER = frozenset({"Complete", "Failed"})
"""Conditions of a TrainJob."""


class Ended(BaseTrigger):  # type: ignore[misc]
    """Fires when it has ended, is being deleted or is gone; or when the API server does not let it wait."""

    def __init__(self, connection: str | None, resource: str, namespace: str, name: str, uid: str, retry_s: float) -> None:
        """Nothing is asked yet.

        Args:
            connection: Airflow's connection of the cluster.
            resource: what it is, as group/version/resource; ``v1/pods`` for a pod.
            namespace: it is in.
            name: it has.
            uid: tells it from another of the same name.
            retry_s: how long an API server that is away is waited for, in seconds.
        """
        super().__init__()
        self.connection, self.resource, self.namespace = connection, resource, namespace
        self.name, self.uid, self.retry_s = name, uid, retry_s
        *group, version, plural = resource.split("/")
        self._kind = (group[0], version, namespace, plural) if group else None
        self._hook = AsyncKubernetesHook(conn_id=connection)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What another triggerer makes it from."""
        kept = ("connection", "resource", "namespace", "name", "uid", "retry_s")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in kept}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; one event, whose payload says why it could not be waited, if so."""
        until = time.monotonic() + self.retry_s
        while True:
            try:
                if await self._over():
                    yield TriggerEvent({})
                    return
                until = time.monotonic() + self.retry_s
            except (ApiException, *NO_ANSWER) as error:
                # made anew it reads its credentials again: they may have expired
                self._hook = AsyncKubernetesHook(conn_id=self.connection)
                if _refused(error) or time.monotonic() > until:
                    yield TriggerEvent({"refused": f"{type(error).__name__}: {getattr(error, 'reason', None) or error}"})
                    return
                self.log.warning("the Kubernetes API server does not answer (%s); waiting for it", type(error).__name__)
            await asyncio.sleep(POLL_S)

    async def on_kill(self) -> None:
        """Delete it: it is told to checkpoint and end."""
        self.log.info("a person ended the task: deleting %s %s", self.resource, self.name)
        tries = AsyncRetrying(
            stop=stop_after_delay(STOP_WITHIN_S), wait=wait_exponential(max=5), retry=retry_if_exception_type((ApiException, *NO_ANSWER))
        )
        async for attempt in tries:
            with attempt:
                await self._delete()

    async def _over(self) -> bool:
        found = await self._read()
        if found is None or found["metadata"]["uid"] != self.uid or found["metadata"].get("deletionTimestamp"):
            return True
        status = found.get("status") or {}
        if "phase" in status:
            return status["phase"] in ENDED
        return any(one["type"] in OVER and one["status"] == "True" for one in status.get("conditions") or ())

    async def _read(self) -> dict[str, Any] | None:
        async with self._hook.get_conn() as api:
            try:
                found: object = await (
                    CustomObjectsApi(api).get_namespaced_custom_object(*self._kind, name=self.name)
                    if self._kind
                    else CoreV1Api(api).read_namespaced_pod(self.name, self.namespace)
                )
            except ApiException as error:
                if error.status == GONE:
                    return None
                raise
            plain: dict[str, Any] = api.sanitize_for_serialization(found)
            return plain

    async def _delete(self) -> None:
        this = V1Preconditions(uid=self.uid)
        async with self._hook.get_conn() as api:
            try:
                if self._kind:
                    options = V1DeleteOptions(preconditions=this, propagation_policy="Foreground")
                    await CustomObjectsApi(api).delete_namespaced_custom_object(*self._kind, name=self.name, body=options)
                else:
                    await CoreV1Api(api).delete_namespaced_pod(self.name, self.namespace, body=V1DeleteOptions(preconditions=this))
            except ApiException as error:
                if error.status not in {GONE, ANOTHER}:
                    raise


def _refused(error: Exception) -> bool:
    return isinstance(error, ApiException) and error.status not in AWAY | {EXPIRED}
