"""TrainJobs in the cluster: the same patience as for pods, another kind of object."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dateutil.parser import isoparse
from kubernetes.client import CustomObjectsApi

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S, Cluster, Found
from pipeline.launchers.kubernetes.pod_status import exit_code
from pipeline.launchers.kubernetes.render import GRACE_S
from pipeline.launchers.trainjob.render import GROUP, VERSION

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

PLURAL = "trainjobs"
OF_JOB = "jobset.sigs.k8s.io/jobset-name"
"""Label of the pods of a TrainJob: its JobSet is called like it."""

NODE = "batch.kubernetes.io/job-completion-index"
"""Label with the number of the node, from 0, that a pod is."""

ENDED = frozenset({"Succeeded", "Failed"})


class TrainJobs(Cluster):
    """TrainJobs of one namespace."""

    resource = f"{GROUP}/{VERSION}/{PLURAL}"
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
        pods = self._pods(name)
        pod = telling(pods)
        conditions = {found["type"]: found for found in job.get("status", {}).get("conditions", []) if found["status"] == "True"}
        ending = job["metadata"].get("deletionTimestamp")
        return Found(
            uid=job["metadata"]["uid"],
            # a job's time of deletion leaves out the grace its pod has
            ending=isoparse(ending) + timedelta(seconds=GRACE_S) if ending else None,
            pod=pod,
            waiting=f"admission: the TrainJob is suspended ({_told(conditions['Suspended'])})" if "Suspended" in conditions else "its pod",
            failed="" if pod or "Failed" not in conditions else _told(conditions["Failed"]),
            done=not pods and "Complete" in conditions,
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

    def _pods(self, job: str) -> list[Any]:
        """The pods of the job, one for each node, in the nodes' order."""
        listed = self._call(
            "list pods",
            lambda api: api.list_namespaced_pod(self._namespace, label_selector=f"{OF_JOB}={job}", _request_timeout=TIMEOUT_S),
        )
        newest = {_node(pod): pod for pod in sorted(listed.items, key=lambda pod: pod.metadata.creation_timestamp)}
        return [newest[node] for node in sorted(newest)]


def telling(pods: list[Any]) -> Any:  # noqa: ANN401 - the client's V1Pod
    """Which of a job's pods says how it goes: the first node's, unless another keeps it waiting or was its undoing.

    The first process of a training runs on the first node: it alone reports, and its end is the training's. But a process that lost
    another only says so; what befell the other one (no memory, no node, a stale image) says more.

    Returns:
        None where none can tell: the first node's pod is gone, and the job will say so.
    """
    if not pods or (_node(pods[0]) and pods[0].status.phase in ENDED):
        return None
    first = pods[0]
    if first.status.phase == "Failed":
        return min((pod for pod in pods if pod.status.phase == "Failed"), key=_helpless)
    waiting = [pod for pod in pods if pod.status.phase == "Pending"]
    return waiting[0] if waiting and first.status.phase not in ENDED else first


def _helpless(pod: Any) -> int:  # noqa: ANN401 - the client's V1Pod
    """How much the end of a pod that failed explains; less explains more."""
    try:
        code = exit_code(pod)
    except BadInput:
        return 0
    except Unavailable:
        return 1
    return 0 if code and code > 0 and code != Unavailable.exit_code else 2


def _node(pod: Any) -> int:  # noqa: ANN401 - the client's V1Pod
    return int(pod.metadata.labels[NODE])


def _custom(api: CoreV1Api) -> CustomObjectsApi:
    return CustomObjectsApi(api.api_client)


def _told(condition: dict[str, Any]) -> str:
    return " ".join(f"{condition.get('reason', '')} {condition.get('message', '')}".split())
