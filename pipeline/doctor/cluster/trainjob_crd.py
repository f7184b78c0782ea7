"""Kubeflow Trainer in a cluster: the TrainJob CRD and the TrainingRuntime exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernetes.client import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from pipeline.doctor.base import Finding
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S
from pipeline.launchers.trainjob.jobs import PLURAL
from pipeline.launchers.trainjob.render import GROUP, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import CoreV1Api

    from pipeline.settings import Settings

RUNTIMES = "trainingruntimes"
ABSENT_NAME = "trainshed-doctor"
NOT_FOUND = 404
INSTALL = "install Kubeflow Trainer v2 and apply infra/kubernetes/trainer, or use the launcher kubernetes"


def check_trainjobs(api: CoreV1Api, settings: Settings) -> Iterator[Finding]:
    """Read a TrainJob that does not exist: with the CRD installed the answer names it as not found."""
    namespace, runtime = settings.kubernetes_namespace, settings.trainjob_runtime
    missing = _missing(api, namespace, PLURAL, ABSENT_NAME)
    if missing and ABSENT_NAME not in missing:
        yield Finding("error", "the TrainJob CRD is not installed", "Kubeflow Trainer v2", INSTALL)
    elif _missing(api, namespace, RUNTIMES, runtime):
        fix = "apply infra/kubernetes/trainer, or correct TRAINSHED_TRAINJOB_RUNTIME"
        yield Finding("error", f"TrainingRuntime {runtime} not found in namespace {namespace}", "", fix)


def _missing(api: CoreV1Api, namespace: str, plural: str, name: str) -> str:
    """The server's "not found" message for an object; empty if it exists, or if we may not read it."""
    try:
        CustomObjectsApi(api.api_client).get_namespaced_custom_object(GROUP, VERSION, namespace, plural, name, _request_timeout=TIMEOUT_S)
    except ApiException as error:
        return f"{error.body or error.reason}" if error.status == NOT_FOUND else ""
    return ""
