"""Kubeflow Trainer in a cluster: TrainJobs are known there, and the runtime they fill in is."""

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
NOBODY = "trainshed-doctor"
NOT_FOUND = 404
INSTALL = "install Kubeflow Trainer v2 and apply infra/kubernetes/trainer, or use the launcher kubernetes"


def check_trainer(api: CoreV1Api, settings: Settings) -> Iterator[Finding]:
    """Ask for a job that is not there: a server that knows TrainJobs says that this one is missing, and names it."""
    namespace, runtime = settings.kubernetes_namespace, settings.trainjob_runtime
    missing = _missing(api, namespace, PLURAL, NOBODY)
    if missing and NOBODY not in missing:
        yield Finding("wrong", "the cluster knows no TrainJobs: their CRD is not installed", "Kubeflow Trainer v2", INSTALL)
    elif _missing(api, namespace, RUNTIMES, runtime):
        fix = "apply infra/kubernetes/trainer, or correct TRAINSHED_TRAINJOB_RUNTIME"
        yield Finding("wrong", f"there is no TrainingRuntime {runtime} in namespace {namespace}", "what TrainJobs fill in", fix)


def _missing(api: CoreV1Api, namespace: str, plural: str, name: str) -> str:
    """What the server says of something that is not there; empty where it is there, or where we may not look."""
    try:
        CustomObjectsApi(api.api_client).get_namespaced_custom_object(GROUP, VERSION, namespace, plural, name, _request_timeout=TIMEOUT_S)
    except ApiException as error:
        return f"{error.body or error.reason}" if error.status == NOT_FOUND else ""
    return ""
