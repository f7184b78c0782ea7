"""Network policies of a cluster: whether they let a component's pods reach the ports of S3 and MLflow.

Only ports are compared, not addresses, because an address may have many names. This finds the usual mistake: a default-deny policy
without a rule for the store.
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
    """Check the egress rules that apply to our pods."""
    namespace = settings.kubernetes_namespace
    try:
        listed = NetworkingV1Api(api.api_client).list_namespaced_network_policy(namespace, _request_timeout=TIMEOUT_S).items
    except ApiException:
        return  # permission denied
    ours = [policy.spec for policy in listed if "Egress" in (policy.spec.policy_types or ()) and _selects(policy.spec.pod_selector)]
    if not ours:
        return
    rules = [rule for spec in ours for rule in spec.egress or ()]
    for server, port in _wanted(settings).items():
        if not any(_allows(rule, port) for rule in rules):
            yield Finding(
                "error",
                f"the network policies of namespace {namespace} block port {port}, where {server} is",
                "",
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
    """Whether a policy applies to our pods; one that selects by expressions is assumed to apply to others."""
    return not selector.match_expressions and set((selector.match_labels or {}).items()) <= LABELS


def _allows(rule: Any, port: int) -> bool:  # noqa: ANN401 - the client's V1NetworkPolicyEgressRule
    """Whether a rule allows this port; a rule without ports allows all, and a named port may be any."""
    return not rule.ports or any(
        isinstance(one.port, str) or one.port is None or one.port <= port <= (one.end_port or one.port)
        for one in rule.ports
        if one.protocol in {None, "TCP"}
    )
