"""The cluster: the connection leads to one, we may do there what the launcher does, and what pods and jobs need is there.

Asked with the credentials of whoever asks. Airflow's workers may not read Secrets, network policies or runtimes, and need not: where
we may not either, nothing is said of them.
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
from pipeline.doctor.cluster.permissions import check_rights
from pipeline.doctor.cluster.trainjob_crd import check_trainer
from pipeline.doctor.reachability import check_reach
from pipeline.errors import BadInput
from pipeline.launchers.base import launcher_record
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S, PodApi
from pipeline.launchers.kubernetes.render import secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import CoreV1Api

    from pipeline.settings import Settings

NOBODY = "trainshed-doctor"
"""Name of a pod that is not there: to be told so, we must be let in."""

PAUSE_S = 0.5
NOT_FOUND = 404


def check_kubernetes(settings: Settings) -> Iterator[Finding]:
    """Ask the API server."""
    namespace, name = settings.kubernetes_namespace, settings.kubernetes_connection

    def connect() -> CoreV1Api:
        try:
            api: CoreV1Api = KubernetesHook(conn_id=name).core_v1_client
        except (AirflowException, ConfigException, OSError) as error:
            expected, fix = "a connection or a kubeconfig", "make the connection, or correct TRAINSHED_KUBERNETES_CONNECTION"
            raise BadInput(f"no way to a cluster by the Airflow connection {name!r}: {error}", expected, fix) from error
        return api

    PodApi(connect, namespace, RETRY_S, lambda: time.sleep(PAUSE_S)).read(NOBODY)
    api, jobs = connect(), launcher_record(settings.launcher).trainjobs
    found = [*check_reach(settings, own_loopback=True), *check_rights(api, namespace, jobs=jobs)]
    found += [*_secrets(api, settings), *check_policies(api, settings), *check_nodes(api, settings)]
    found += check_trainer(api, settings) if jobs else ()
    yield from found or [Finding("ok", f"{settings.launcher}: the cluster lets us start, follow and delete pods in namespace {namespace}")]


def _secrets(api: CoreV1Api, settings: Settings) -> Iterator[Finding]:
    for name in sorted({secret_name(stage, settings) for stage in COMPONENTS} - {""}):
        if _is_missing(api, name, settings.kubernetes_namespace):
            yield Finding(
                "wrong",
                f"there is no Secret {name} in namespace {settings.kubernetes_namespace}",
                "the keys of the stage's pods",
                "make it (keys named like their variables), or correct TRAINSHED_KUBERNETES_SECRET or TRAINSHED_KUBERNETES_NAMESPACE",
            )


def _is_missing(api: CoreV1Api, name: str, namespace: str) -> bool:
    try:
        api.read_namespaced_secret(name, namespace, _request_timeout=TIMEOUT_S)
    except ApiException as error:
        return bool(error.status == NOT_FOUND)
    return False
