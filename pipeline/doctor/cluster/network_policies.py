"""Network policies of a cluster: whether any lets a component's pods out to the ports of S3 and MLflow.

Whom a rule lets pods reach is not looked at (an address may stand behind many names), only by which ports: a default-deny with the
rule for the store forgotten, the usual mistake, is found so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kubernetes.client import NetworkingV1Api
from kubernetes.client.exceptions import ApiException

from pipeline.doctor.base import Finding
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S
from pipeline.placement.container_environment import component_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import CoreV1Api

    from pipeline.settings import Settings

LABELS: Final = {("app.kubernetes.io/name", "trainshed"), ("app.kubernetes.io/managed-by", "airflow")}
"""Labels of the pods of every stage."""

PORTS: Final = {"http": 80, "https": 443}


def check_policies(api: CoreV1Api, settings: Settings) -> Iterator[Finding]:
    """Look at the egress rules that hold for our pods."""
    namespace = settings.kubernetes_namespace
    try:
        listed = NetworkingV1Api(api.api_client).list_namespaced_network_policy(namespace, _request_timeout=TIMEOUT_S).items
    except ApiException:
        return  # we may not look
    ours = [policy.spec for policy in listed if "Egress" in (policy.spec.policy_types or ()) and _selects(policy.spec.pod_selector)]
    if not ours:
        return
    rules = [rule for spec in ours for rule in spec.egress or ()]
    for server, port in _wanted(settings).items():
        if not any(_allows(rule, port) for rule in rules):
            yield Finding(
                "wrong",
                f"the network policies of namespace {namespace} let pods out to no port {port}, where {server} is",
                "a rule that lets the pods of trainshed reach it",
                "add it to the policies allow-store or allow-mlflow of infra/kubernetes, or correct the addresses",
            )


def _wanted(settings: Settings) -> dict[str, int]:
    public = component_variables(settings).public
    addresses = {
        name: public[variable]
        for name, variable in (("S3", "TRAINSHED_S3_ENDPOINT"), ("MLflow", "TRAINSHED_MLFLOW_URI"))
        if variable in public
    }
    if settings.store.startswith("s3:"):
        addresses.setdefault("S3", "https://s3.amazonaws.com")
    parts = {name: urlsplit(address) for name, address in addresses.items()}
    return {name: part.port or PORTS.get(part.scheme, 0) for name, part in parts.items()}


def _selects(selector: Any) -> bool:  # noqa: ANN401 - the client's V1LabelSelector
    """Whether a policy is about our pods; one that selects by expressions is taken as being about others."""
    return not selector.match_expressions and set((selector.match_labels or {}).items()) <= LABELS


def _allows(rule: Any, port: int) -> bool:  # noqa: ANN401 - the client's V1NetworkPolicyEgressRule
    """Whether a rule is about this port; one without ports is about all, and a port by name may be any."""
    return not rule.ports or any(
        isinstance(one.port, str) or one.port is None or one.port <= port <= (one.end_port or one.port)
        for one in rule.ports
        if one.protocol in {None, "TCP"}
    )
