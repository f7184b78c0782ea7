"""The cluster: the connection works, permissions suffice, and Secrets, network policies, nodes and the TrainJob CRD fit.

The checks use the caller's credentials. Airflow's workers may not read Secrets, network policies or runtimes, and need not: what the
caller may not read is not checked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk.exceptions import AirflowException
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException

from components import COMPONENTS
from pipeline.doctor.base import RETRY_S, Finding
from pipeline.doctor.cluster.network_policies import check_policies
from pipeline.doctor.cluster.nodes import check_nodes
from pipeline.doctor.cluster.permissions import check_permissions
from pipeline.doctor.cluster.trainjob_crd import check_trainjobs
from pipeline.doctor.reachability import check_addresses
from pipeline.errors import BadInput
from pipeline.launchers.base import launcher_record
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S, PodApi
from pipeline.launchers.kubernetes.render import secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import CoreV1Api

    from pipeline.settings import Settings

ABSENT_NAME = "trainshed-doctor"
"""Name of a pod that does not exist: the answer "not found" shows that the login works."""

PAUSE_S = 0.5
NOT_FOUND = 404


def check_kubernetes(settings: Settings) -> Iterator[Finding]:
    """Check the cluster through its API server."""
    namespace, name = settings.kubernetes_namespace, settings.kubernetes_connection

    def connect() -> CoreV1Api:
        try:
            api: CoreV1Api = KubernetesHook(conn_id=name).core_v1_client
        except (AirflowException, ConfigException, OSError) as error:
            expected, fix = "a connection or a kubeconfig", "create the connection, or correct TRAINSHED_KUBERNETES_CONNECTION"
            raise BadInput(f"the Airflow connection {name!r} leads to no cluster: {error}", expected, fix) from error
        return api

    PodApi(connect, namespace, RETRY_S, lambda: time.sleep(PAUSE_S)).read(ABSENT_NAME)
    api, jobs = connect(), launcher_record(settings.launcher).trainjobs
    found = [*check_addresses(settings, own_loopback=True), *check_permissions(api, namespace, jobs=jobs)]
    found += [*_secrets(api, settings), *check_policies(api, settings), *check_nodes(api, settings)]
    found += check_trainjobs(api, settings) if jobs else ()
    yield from found or [Finding("ok", f"{settings.launcher}: may create, read and delete pods in namespace {namespace}")]


def _secrets(api: CoreV1Api, settings: Settings) -> Iterator[Finding]:
    for name in sorted({secret_name(stage, settings) for stage in COMPONENTS} - {""}):
        if _is_missing(api, name, settings.kubernetes_namespace):
            yield Finding(
                "error",
                f"Secret {name} not found in namespace {settings.kubernetes_namespace}",
                "the keys of the stage's pods",
                "create it (keys named like their variables), or correct TRAINSHED_KUBERNETES_SECRET or TRAINSHED_KUBERNETES_NAMESPACE",
            )


def _is_missing(api: CoreV1Api, name: str, namespace: str) -> bool:
    try:
        api.read_namespaced_secret(name, namespace, _request_timeout=TIMEOUT_S)
    except ApiException as error:
        return bool(error.status == NOT_FOUND)
    return False
