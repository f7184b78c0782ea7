"""TrainJobs through the API server, with the same retries as for pods; and which pod of a TrainJob says how it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dateutil.parser import isoparse
from kubernetes.client import CustomObjectsApi

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.kubernetes.cluster import JOB_LABEL, TIMEOUT_S, PodApi, Workload
from pipeline.launchers.kubernetes.pod_status import exit_code
from pipeline.launchers.kubernetes.render import GRACE_S
from pipeline.launchers.trainjob.render import GROUP, VERSION

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

PLURAL = "trainjobs"
NODE_LABEL = "batch.kubernetes.io/job-completion-index"
"""Label with the index of the pod's node, from 0."""

ENDED = frozenset({"Succeeded", "Failed"})


class TrainJobApi(PodApi):
    """The TrainJobs of one namespace."""

    resource = f"{GROUP}/{VERSION}/{PLURAL}"
    not_found_message = "the TrainJob CRD is not installed: {message}"
    not_found_fix = "install Kubeflow Trainer v2 and apply infra/kubernetes/trainer, or use the launcher kubernetes"

    def create(self, job: Any) -> None:  # noqa: ANN401 - a manifest
        """Create a TrainJob; raises the same as `PodApi.create`."""
        self._retry(
            "create trainjobs",
            lambda api: _custom(api).create_namespaced_custom_object(*self._kind, job, _request_timeout=TIMEOUT_S),
        )

    def read(self, name: str) -> Workload | None:
        """The TrainJob of this name and its decisive pod, or None."""
        job = self._retry(
            "get trainjobs", lambda api: _custom(api).get_namespaced_custom_object(*self._kind, name, _request_timeout=TIMEOUT_S)
        )
        if job is None:
            return None
        pods = self._pods(name)
        pod = decisive_pod(pods)
        conditions = {found["type"]: found for found in job.get("status", {}).get("conditions", []) if found["status"] == "True"}
        deletion_time = job["metadata"].get("deletionTimestamp")
        return Workload(
            name=name,
            uid=job["metadata"]["uid"],
            # the deletion time of a job does not include the grace of its pods
            deletion_time=isoparse(deletion_time) + timedelta(seconds=GRACE_S) if deletion_time else None,
            pod=pod,
            waiting=f"admission: the TrainJob is suspended ({_condition_text(conditions['Suspended'])})"
            if "Suspended" in conditions
            else "its pod",
            failed="" if pod or "Failed" not in conditions else _condition_text(conditions["Failed"]),
            succeeded=not pods and "Complete" in conditions,
        )

    def find(self, selector: str) -> list[Workload]:
        """TrainJobs with these labels, without their pods; none if the CRD is not installed."""
        listed = self._retry(
            "list trainjobs",
            lambda api: _custom(api).list_namespaced_custom_object(*self._kind, label_selector=selector, _request_timeout=TIMEOUT_S),
        )
        return [Workload(job["metadata"]["name"], job["metadata"]["uid"], None, None) for job in listed["items"]] if listed else []

    def delete(self, name: str, uid: str, grace_s: int | None = None) -> None:
        """Delete the TrainJob and its pods; it exists until they are gone."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Foreground" if grace_s is None else "Background"}
        self._delete(
            "delete trainjobs",
            name,
            lambda api: _custom(api).delete_namespaced_custom_object(*self._kind, name, body=body, _request_timeout=TIMEOUT_S),
        )

    @property
    def _kind(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self._namespace, PLURAL

    def _pods(self, job: str) -> list[Any]:
        """The newest pod of each node of the job, in the order of the nodes."""
        listed = self._retry(
            "list pods",
            lambda api: api.list_namespaced_pod(self._namespace, label_selector=f"{JOB_LABEL}={job}", _request_timeout=TIMEOUT_S),
        )
        newest = {_node(pod): pod for pod in sorted(listed.items, key=lambda pod: pod.metadata.creation_timestamp)}
        return [newest[node] for node in sorted(newest)]


def decisive_pod(pods: list[Any]) -> Any:  # noqa: ANN401 - the client's V1Pod
    """The pod that says how a job is doing: the first node's, unless another node keeps it waiting or made it fail.

    Rank 0 of a training runs on the first node; it alone reports, and the training ends when it ends. But a rank that lost another one
    only says that. The other one's end (OOMKilled, a lost node, a stale image) says why.

    Returns:
        None if no pod can say it: the first node's pod is gone, and the job's conditions will follow.
    """
    if not pods or (_node(pods[0]) and pods[0].status.phase in ENDED):
        return None
    first = pods[0]
    if first.status.phase == "Failed":
        return min((pod for pod in pods if pod.status.phase == "Failed"), key=_explanation_rank)
    waiting = [pod for pod in pods if pod.status.phase == "Pending"]
    return waiting[0] if waiting and first.status.phase not in ENDED else first


def _explanation_rank(pod: Any) -> int:  # noqa: ANN401 - the client's V1Pod
    """How well a failed pod's end explains the failure: 0 best, 2 worst."""
    try:
        code = exit_code(pod)
    except BadInput:
        return 0
    except Unavailable:
        return 1
    return 0 if code and code > 0 and code != Unavailable.exit_code else 2


def _node(pod: Any) -> int:  # noqa: ANN401 - the client's V1Pod
    return int(pod.metadata.labels[NODE_LABEL])


def _custom(api: CoreV1Api) -> CustomObjectsApi:
    return CustomObjectsApi(api.api_client)


def _condition_text(condition: dict[str, Any]) -> str:
    return " ".join(f"{condition.get('reason', '')} {condition.get('message', '')}".split())
