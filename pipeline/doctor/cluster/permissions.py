"""Permissions in a cluster: whether the API server allows everything that the launcher does.

Any account may ask what it may do (SelfSubjectAccessReview).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kubernetes.client import AuthorizationV1Api
from kubernetes.client.exceptions import ApiException

from pipeline.doctor.base import Finding
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S
from pipeline.launchers.trainjob.jobs import PLURAL
from pipeline.launchers.trainjob.render import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import CoreV1Api

PODS: Final = (*(("", "pods", verb) for verb in ("create", "get", "list", "delete")), ("", "pods/log", "get"))
JOBS: Final = tuple((GROUP, PLURAL, verb) for verb in ("create", "get", "list", "delete"))
"""API group, resource and verb."""


def check_permissions(api: CoreV1Api, namespace: str, *, jobs: bool) -> Iterator[Finding]:
    """Check each permission.

    Args:
        api: any client of the cluster.
        namespace: of pods and TrainJobs.
        jobs: whether TrainJobs are created as well.
    """
    missing = [
        f"{verb} {resource}" for group, resource, verb in PODS + (JOBS if jobs else ()) if not _may(api, namespace, group, resource, verb)
    ]
    if missing:
        yield Finding(
            "error",
            f"no permission to {', '.join(missing)} in namespace {namespace}",
            "an account with the role trainshed-launcher",
            "apply infra/kubernetes (and its trainer, for TrainJobs), or bind the role",
        )


def _may(api: CoreV1Api, namespace: str, group: str, resource: str, verb: str) -> bool:
    kind, _, part = resource.partition("/")
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": kind, "subresource": part}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": asked}}
    try:
        answer = AuthorizationV1Api(api.api_client).create_self_subject_access_review(review, _request_timeout=TIMEOUT_S)
    except ApiException:
        return True  # this cluster does not answer such reviews: the first pod will show it
    return bool(answer.status.allowed)
