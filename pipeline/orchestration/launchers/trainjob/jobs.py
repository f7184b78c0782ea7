"""TrainJobs in the cluster: the same patience as for pods, another kind of object."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dateutil.parser import isoparse
from kubernetes.client import CustomObjectsApi

from pipeline.orchestration.launchers.kubernetes.cluster import TIMEOUT_S, Cluster, Found
from pipeline.orchestration.launchers.kubernetes.render import GRACE_S
from pipeline.orchestration.launchers.trainjob.render import GROUP, VERSION

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

PLURAL = "trainjobs"
OF_JOB = "jobset.sigs.k8s.io/jobset-name"
"""Label of the pods of a TrainJob: its JobSet is called like it."""


class TrainJobs(Cluster):
    """TrainJobs of one namespace."""

    missing = "the TrainJob CRD is not installed: {message}"
    install = "install Kubeflow Trainer v2 and apply infra/kubernetes/trainer, or use the launcher kubernetes"

    def create(self, what: Any) -> None:  # noqa: ANN401 - a manifest
        """Create a TrainJob; raises what `Cluster.create` does."""
        self._call(
            "create trainjobs",
            lambda api: _custom(api).create_namespaced_custom_object(*self._kind, what, _request_timeout=TIMEOUT_S),
        )

    def read(self, name: str) -> Found | None:
        """The job and its pod, or None where there is no job."""
        job = self._call(
            "get trainjobs", lambda api: _custom(api).get_namespaced_custom_object(*self._kind, name, _request_timeout=TIMEOUT_S)
        )
        if job is None:
            return None
        pod = self._pod(name)
        conditions = {found["type"]: found for found in job.get("status", {}).get("conditions", []) if found["status"] == "True"}
        ending = job["metadata"].get("deletionTimestamp")
        return Found(
            uid=job["metadata"]["uid"],
            # a job's time of deletion leaves out the grace its pod has
            ending=isoparse(ending) + timedelta(seconds=GRACE_S) if ending else None,
            pod=pod,
            waiting=f"admission: the TrainJob is suspended ({_told(conditions['Suspended'])})" if "Suspended" in conditions else "its pod",
            failed="" if pod or "Failed" not in conditions else _told(conditions["Failed"]),
            done=pod is None and "Complete" in conditions,
        )

    def delete(self, name: str, uid: str, grace_s: int | None = None) -> None:
        """Delete the job, and with it its pods; the job is there until they are gone."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Foreground" if grace_s is None else "Background"}
        self._delete(
            "delete trainjobs",
            name,
            lambda api: _custom(api).delete_namespaced_custom_object(*self._kind, name, body=body, _request_timeout=TIMEOUT_S),
        )

    @property
    def _kind(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self._namespace, PLURAL

    def _pod(self, job: str) -> Any:  # noqa: ANN401 - the client's V1Pod
        """The newest pod of the job; None before there is one."""
        listed = self._call(
            "list pods",
            lambda api: api.list_namespaced_pod(self._namespace, label_selector=f"{OF_JOB}={job}", _request_timeout=TIMEOUT_S),
        )
        return max(listed.items, key=lambda pod: pod.metadata.creation_timestamp, default=None)


def _custom(api: CoreV1Api) -> CustomObjectsApi:
    return CustomObjectsApi(api.api_client)


def _told(condition: dict[str, Any]) -> str:
    return " ".join(f"{condition.get('reason', '')} {condition.get('message', '')}".split())
