"""What a pod is: compared with golden copies, validated for two Kubernetes versions, held against the restricted profile.

After a change that is meant: ``GOLDEN=write pytest tests/pipeline/launchers/kubernetes/test_render.py``, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from fixtures.restricted import violations
from pydantic import SecretStr

from pipeline.errors import BadInput
from pipeline.launchers.kubernetes.pod_name import label_value, pod_name
from pipeline.launchers.kubernetes.render import render_pod
from pipeline.machine_sizes import MachineSize, Toleration, machine
from pipeline.operators.launch import Launch
from pipeline.runs.request import Request
from pipeline.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("1.34", "1.37")
STAGES = ("ingestion", "tokenization", "pretraining", "finetuning", "evaluation", "registration")
SIZES = ("cpu-small", "cpu-large", "gpu-1", "gpu-8")
ZONE = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]}
]}}}  # fmt: skip
OPTIONS = {
    "plain": {},
    "placed": {
        "node_selector": {"nvidia.com/gpu.product": "A100"},
        "tolerations": (Toleration(key="team", operator="Equal", value="nlp", effect="NoExecute"), Toleration(key="spot")),
        "affinity": ZONE,
    },
    "queued": {"queue": "trainshed", "priority_class": None},
    "half-a-core": {"cpus": 0.5, "shared_memory_mb": 1},
    "other-gpu": {"gpus": 2, "gpu_resource": "amd.com/gpu"},
}
SET = {
    "plain": {},
    "no-secret": {"kubernetes_secret": "", "threads": 3},
    "pinned": {"images": "registry.example/trainshed/{stage}@sha256:" + "0" * 64},
    "elsewhere": {"container_s3_endpoint": "http://s3.storage:8333", "container_mlflow_uri": "http://mlflow:5000"},
}


def settings(**changes) -> Settings:
    values = {
        "images": "registry.example/trainshed/{stage}:1.0",
        "s3_endpoint": "http://127.0.0.1:8333",
        "s3_access_key": SecretStr("planted-access-key"),
        "s3_secret_key": SecretStr("planted-secret-key"),
        "mlflow_password": SecretStr("planted-password"),
    }
    return Settings(**{**values, **changes})


def attempt(stage: str) -> Launch:
    request = Request(run="nightly-2026-11-24", recipe="nightly", step=stage, stage=stage, params={}, fingerprint="ab" * 32)
    return Launch(
        stage, f"s3://pipeline/runs/{request.run}/{stage}/request.json", request, "unused", stage in {"pretraining", "finetuning"}
    )


def rendered(stage: str, size: str, option: str = "plain", chosen: str = "plain") -> dict:
    found = settings(**SET[chosen])
    return render_pod(attempt(stage), MachineSize.model_validate(machine(size, found).model_dump() | OPTIONS[option]), found)


@pytest.mark.parametrize(
    ("stage", "size", "option", "chosen"),
    [
        ("ingestion", "cpu-small", "plain", "plain"),
        ("pretraining", "gpu-8", "plain", "plain"),
        ("finetuning", "gpu-1", "placed", "pinned"),
        ("evaluation", "gpu-1", "queued", "no-secret"),
    ],
)
def test_golden(stage, size, option, chosen):
    made = rendered(stage, size, option, chosen)
    path = GOLDEN / f"{stage}-{size}-{option}-{chosen}.yaml"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(yaml.safe_dump(made, sort_keys=False, width=140))
    assert made == yaml.safe_load(path.read_text())


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("size", SIZES)
def test_every_pod_is_valid_for_two_versions_and_restricted(stage, size):
    for option, chosen in [*((option, "plain") for option in OPTIONS), *(("plain", chosen) for chosen in SET)]:
        pod = rendered(stage, size, option, chosen)
        for version in VERSIONS:
            assert kubernetes_validate.validate(pod, version, strict=True).startswith(version)
        assert violations(pod) == []
        assert "planted" not in repr(pod)


def test_the_check_of_the_profile_can_fail():
    pod = rendered("ingestion", "cpu-small")
    pod["spec"] |= {"hostNetwork": True, "volumes": [{"name": "host", "hostPath": {"path": "/"}}]}
    pod["spec"]["containers"][0]["securityContext"] = {"runAsUser": 0, "capabilities": {"add": ["SYS_ADMIN"]}}
    assert violations(pod) == [
        "hostNetwork=true",
        "volume host",
        "component: allowPrivilegeEscalation != false",
        "component: unrestricted capabilities",
        "component: added capabilities",
        "component: runAsUser=0",
    ]


def test_gpus_queue_threads_and_digest_stand_where_they_belong():
    container = rendered("finetuning", "gpu-8", "plain", "pinned")["spec"]["containers"][0]
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert (environment["TRAINSHED_THREADS"], environment["TRAINSHED_IMAGE_DIGEST"]) == ("12", "sha256:" + "0" * 64)
    assert container["command"] == ["python", "-m", "pipeline.runtime.torchrun", "--nproc-per-node", "8", "-m", "components.finetuning"]
    assert rendered("evaluation", "gpu-8")["spec"]["containers"][0]["command"] == ["python", "-m", "components.evaluation"]
    assert rendered("finetuning", "gpu-1", "queued")["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "trainshed"
    assert "nvidia.com/gpu" not in rendered("ingestion", "cpu-small")["spec"]["containers"][0]["resources"]["limits"]


def test_a_name_is_the_same_for_every_attempt_and_another_for_every_other_work():
    request = attempt("champion_evaluation").request
    others = [{"run": "other"}, {"step": "evaluation"}, {"fingerprint": "cd" * 32}]
    names = [pod_name(request.model_copy(update=change), settings()) for change in [{}, {}, *others]]
    names.append(pod_name(request, settings(store="s3://elsewhere")))
    assert names[0] == names[1] == "champion-evaluation-abababababab-" + names[0][-8:]
    assert len(set(names)) == 5
    assert len(pod_name(request.model_copy(update={"step": "s" * 100}), settings())) == 63


def test_a_label_takes_what_a_run_may_be_called():
    assert label_value("manual__2026-11-24T10:00:00+00:00") == "manual__2026-11-24T10_00_00_00_00"
    assert label_value("-" + "x" * 100)[:3] == "xxx"


@pytest.mark.parametrize("wrong", [{"images": "x/{stag}"}, {"kubernetes_secret": "{name}"}])
def test_braces_nobody_knows_are_refused(wrong):
    with pytest.raises(BadInput, match=f"TRAINSHED_{next(iter(wrong)).upper()}"):
        render_pod(attempt("ingestion"), machine("cpu-small", settings()), settings(**wrong))
