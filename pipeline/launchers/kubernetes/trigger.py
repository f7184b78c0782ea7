"""Waits for the end of a pod or a TrainJob outside of any worker: many triggers wait in one event loop, for days.

It only waits. The task then resumes in a worker and reads how the pod ended. If a person ends the task meanwhile, Airflow calls the
trigger's ``on_kill``, not the task's; a restart of the triggerer does not call it.
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

from pipeline.launchers.kubernetes.cluster import RETRYABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POLL_S = 10.0
STOP_WITHIN_S = 25.0
"""Airflow gives ``on_kill`` of a trigger thirty seconds."""

CONNECTION_ERRORS = (ClientError, OSError, TimeoutError)
NOT_FOUND, CONFLICT, UNAUTHORIZED = 404, 409, 401
ENDED_PHASES = frozenset({"Succeeded", "Failed"})
"""Phases of a pod that has ended."""

ENDED_CONDITIONS = frozenset({"Complete", "Failed"})
"""Conditions of a TrainJob that has ended."""


class PodEndTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires when a pod or a TrainJob has ended, is being deleted or does not exist; or when the API server refuses to show it."""

    def __init__(self, connection: str | None, resource: str, namespace: str, name: str, uid: str, retry_s: float) -> None:
        """Nothing is sent yet.

        Args:
            connection: Airflow's connection to the cluster.
            resource: what to wait for, as group/version/resource; ``v1/pods`` for a pod.
            namespace: of the pod or TrainJob.
            name: of the pod or TrainJob.
            uid: tells it from another of the same name.
            retry_s: how long an unreachable API server is retried, in seconds.
        """
        super().__init__()
        self.connection, self.resource, self.namespace = connection, resource, namespace
        self.name, self.uid, self.retry_s = name, uid, retry_s
        *group, version, plural = resource.split("/")
        self._kind = (group[0], version, namespace, plural) if group else None
        self._hook = AsyncKubernetesHook(conn_id=connection)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, from which any triggerer makes it again."""
        kept = ("connection", "resource", "namespace", "name", "uid", "retry_s")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in kept}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event; its payload has ``error`` if the trigger cannot wait."""
        until = time.monotonic() + self.retry_s
        while True:
            try:
                if await self._has_ended():
                    yield TriggerEvent({})
                    return
                until = time.monotonic() + self.retry_s
            except (ApiException, *CONNECTION_ERRORS) as error:
                # a new hook reads the credentials again: they may have expired
                self._hook = AsyncKubernetesHook(conn_id=self.connection)
                if not _is_retryable(error) or time.monotonic() > until:
                    yield TriggerEvent({"error": f"{type(error).__name__}: {getattr(error, 'reason', None) or error}"})
                    return
                self.log.warning("the Kubernetes API server is unreachable (%s); retrying", type(error).__name__)
            await asyncio.sleep(POLL_S)

    async def on_kill(self) -> None:
        """Delete the pod or TrainJob, so that the component checkpoints and ends."""
        self.log.info("a person ended the task: deleting %s %s", self.resource, self.name)
        tries = AsyncRetrying(
            stop=stop_after_delay(STOP_WITHIN_S),
            wait=wait_exponential(max=5),
            retry=retry_if_exception_type((ApiException, *CONNECTION_ERRORS)),
        )
        async for attempt in tries:
            with attempt:
                await self._delete()

    async def _has_ended(self) -> bool:
        found = await self._read()
        if found is None or found["metadata"]["uid"] != self.uid or found["metadata"].get("deletionTimestamp"):
            return True
        status = found.get("status") or {}
        if "phase" in status:
            return status["phase"] in ENDED_PHASES
        return any(one["type"] in ENDED_CONDITIONS and one["status"] == "True" for one in status.get("conditions") or ())

    async def _read(self) -> dict[str, Any] | None:
        async with self._hook.get_conn() as api:
            try:
                found: object = await (
                    CustomObjectsApi(api).get_namespaced_custom_object(*self._kind, name=self.name)
                    if self._kind
                    else CoreV1Api(api).read_namespaced_pod(self.name, self.namespace)
                )
            except ApiException as error:
                if error.status == NOT_FOUND:
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
                if error.status not in {NOT_FOUND, CONFLICT}:
                    raise


def _is_retryable(error: Exception) -> bool:
    return not isinstance(error, ApiException) or error.status in RETRYABLE | {UNAUTHORIZED}
