"""The check of the launcher: its name, Docker's engine and images, the cluster."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components import COMPONENTS
from pipeline.orchestration.launchers.images import image_of
from pipeline.preflight.examine import examine
from pipeline.settings import Settings

HOME = Path(__file__).resolve().parents[3]


def test_an_unknown_name_gets_the_near_one():
    (finding,) = examine("launcher", Settings(launcher="kuberntes"))
    assert (finding.state, finding.fix) == ("wrong", "did you mean 'kubernetes'?")


def test_process_needs_nothing():
    assert [finding.state for finding in examine("launcher", Settings(launcher="process"))] == ["ok"]


def test_an_engine_that_does_not_answer_is_away_and_airflow_is_not_imported_for_it():
    code = (
        "import sys; from pipeline.preflight.examine import examine; from pipeline.settings import Settings;"
        "print(examine('launcher', Settings(launcher='docker', docker_url='unix:///nowhere.sock'))[0].state,"
        "sorted({'airflow', 'kubernetes', 'torch', 'mlflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(HOME)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split(maxsplit=1) == ["away", "[]\n"]


@pytest.fixture
def docker(answers):
    answers.of.update(
        {"/version": (200, {"ApiVersion": "1.47"}), "/v1.47/info": (200, {"NCPU": 2, "MemTotal": 1, "Runtimes": {"runc": {}}})}
    )
    return answers


def settings_of(docker, **changes):
    return Settings(launcher="docker", docker_url=docker.url.replace("http", "tcp"), **changes)


def add_images(docker, settings, *missing):
    for stage in set(COMPONENTS) - set(missing):
        docker.of[f"/v1.47/images/{image_of(stage, settings)}/json"] = (200, {"Id": "sha256:1"})


def test_docker_with_all_images_is_ok(docker):
    settings = settings_of(docker)
    add_images(docker, settings)
    assert [finding.state for finding in examine("launcher", settings)] == ["ok"]


def test_an_image_that_is_missing_is_wrong_and_one_of_a_registry_a_warning(docker):
    settings = settings_of(docker)
    add_images(docker, settings, "evaluation")
    (finding,) = examine("launcher", settings)
    assert (finding.state, finding.got) == ("wrong", f"there is no image {image_of('evaluation', settings)}")
    assert "make images" in finding.fix
    settings = settings_of(docker, images="registry.example/{stage}:{version}")
    add_images(docker, settings, "evaluation")
    (finding,) = examine("launcher", settings)
    assert finding.state == "warning"


def test_cuda_on_an_engine_without_gpus_is_wrong(docker):
    settings = settings_of(docker, device="cuda")
    add_images(docker, settings)
    (finding,) = examine("launcher", settings)
    assert finding.state == "wrong"
    assert "cannot hand GPUs" in finding.got


@pytest.mark.parametrize("launcher", ["kubernetes", "trainjob"])
def test_a_cluster_that_lets_us_in_is_ok(launcher, cluster):
    assert [finding.state for finding in examine("launcher", Settings(launcher=launcher, kubernetes_secret=""))] == ["ok"]


def test_secrets_that_are_missing_are_wrong(cluster):
    found = examine("launcher", Settings(launcher="kubernetes"))
    assert [finding.state for finding in found] == ["wrong"] * len(COMPONENTS)
    assert "there is no Secret trainshed-evaluation in namespace trainshed" in found[0].got


def test_a_cluster_that_refuses_us_is_wrong(cluster):
    cluster.refusals["get"] = (403, 'User "me" cannot get resource "pods"')
    (finding,) = examine("launcher", Settings(launcher="kubernetes"))
    assert finding.state == "wrong"
    assert "no permission to get pods" in finding.got


def test_a_cluster_that_does_not_answer_is_away(cluster, monkeypatch):
    monkeypatch.setattr("pipeline.preflight.kubernetes.PATIENCE_S", 0.0)
    cluster.away = True
    (finding,) = examine("launcher", Settings(launcher="kubernetes"))
    assert finding.state == "away"
