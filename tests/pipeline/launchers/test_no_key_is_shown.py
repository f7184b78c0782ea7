"""What launchers make shows no key: not a pod, not a TrainJob, not a container beyond its environment, not a DAG."""

from __future__ import annotations

import json

import pytest
from fixtures.planted import MARK, holds
from pydantic import SecretStr

from components import COMPONENTS
from pipeline.launchers.docker.render import Host, Image, render_container
from pipeline.launchers.kubernetes.render import render_pod
from pipeline.launchers.trainjob.render import render_job
from pipeline.machine_sizes import machines
from pipeline.operators.launch import Launch, TaskKey
from pipeline.orchestration.dag import line_dag
from pipeline.placement.container_environment import KEYS, SOURCE_KEYS
from pipeline.recipe import read_recipe
from pipeline.runs.request import Request
from pipeline.settings import Settings

SECRETS = {field: SecretStr(f"{MARK}/{field}+%=&;") for field, kind in Settings.model_fields.items() if "SecretStr" in str(kind.annotation)}


@pytest.fixture
def settings(tmp_path):
    return Settings(state=tmp_path, s3_endpoint="http://s3:8333", **SECRETS)


def attempts(settings):
    for stage in COMPONENTS:
        request = Request(run="r-1", recipe="r", step=stage, stage=stage, params={}, fingerprint="ab" * 32)
        for size in machines(settings).values():
            if size.nodes == 1:
                yield Launch(stage, "s3://pipeline/runs/r-1/request.json", request, size.name), size


def test_every_secret_setting_that_components_need_is_a_key():
    of_airflow = {"airflow_password", "notify_webhook", "slack_webhook", "smtp_password"}
    assert set(KEYS | SOURCE_KEYS) == set(SECRETS) - of_airflow


@pytest.mark.parametrize("secret", ["trainshed-{stage}", ""])
def test_a_pod_has_keys_by_reference_only(settings, secret):
    for attempt, size in attempts(settings):
        pod = render_pod(attempt, size, settings.model_copy(update={"kubernetes_secret": secret}))
        assert not holds(json.dumps(pod).encode())
        (box,) = pod["spec"]["containers"]
        assert not set(KEYS.values()) & {entry["name"] for entry in box["env"]}
        assert [list(source) for source in box["envFrom"]] == ([["secretRef"]] if secret else [])


@pytest.mark.parametrize("secret", ["trainshed-{stage}", ""])
def test_a_trainjob_has_keys_by_reference_only(settings, secret):
    for attempt, size in attempts(settings):
        if not COMPONENTS.load(attempt.stage).trains:
            continue
        job = render_job(attempt, size, settings.model_copy(update={"kubernetes_secret": secret}))
        assert not holds(json.dumps(job).encode())
        keys = [entry for entry in job["spec"]["trainer"]["env"] if entry["name"] in KEYS.values()]
        assert {entry["name"] for entry in keys} == (set(KEYS.values()) if secret else set())
        assert [list(entry["valueFrom"]) for entry in keys] == [["secretKeyRef"]] * len(keys)


def test_a_container_has_keys_in_its_environment_only(settings):
    """Whoever may ask the engine for that may also run commands inside: it gives nobody more than they have."""
    for attempt, size in attempts(settings):
        config = render_container(
            attempt, TaskKey("r", "r-1", attempt.stage), Image("sha256:1", "i@sha256:1"), size, Host(2, 2**34, gpus=False), settings
        )
        shown = [entry for entry in config.pop("Env") if holds(entry.encode())]
        assert {entry.partition("=")[0] for entry in shown} == set(KEYS.values())
        assert not holds(json.dumps(config).encode())


@pytest.mark.parametrize("launcher", ["docker", "trainjob"])
def test_a_dag_holds_none(launcher, recipe_folder, settings, monkeypatch):
    from airflow.serialization.serialized_objects import DagSerialization

    for field, value in SECRETS.items():
        monkeypatch.setenv(f"TRAINSHED_{field.upper()}", value.get_secret_value())
    monkeypatch.setenv("TRAINSHED_STATE", str(settings.state))
    dag = line_dag(read_recipe(recipe_folder / "first.yaml"), settings.model_copy(update={"launcher": launcher}))
    written = json.dumps(DagSerialization.to_dict(dag))
    assert "ingestion" in written
    assert not holds(written.encode())
    assert not holds(repr(vars(dag.get_task("finetuning"))).encode())
