"""The check of the launcher: its name, Docker's engine and images, the cluster."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components import COMPONENTS
from pipeline.artifacts.code_digest import LABEL, code_digest
from pipeline.doctor.cluster import permissions
from pipeline.doctor.run_check import run_check
from pipeline.generate.component_images import component_images
from pipeline.placement.container_image import image_of
from pipeline.relay.sockets import folder, prepare
from pipeline.settings import Settings

HOME = Path(__file__).resolve().parents[3]
INFRA = HOME / "infra" / "kubernetes"


def test_an_unknown_name_gets_the_near_one():
    (finding,) = run_check("launcher", Settings(launcher="kuberntes"))
    assert (finding.state, finding.fix) == ("error", "did you mean 'kubernetes'?")


def test_process_needs_nothing():
    assert [finding.state for finding in run_check("launcher", Settings(launcher="process"))] == ["ok"]


def test_an_engine_that_does_not_answer_is_unreachable_and_airflow_is_not_imported_for_it():
    code = (
        "import sys; from pipeline.doctor.run_check import run_check; from pipeline.settings import Settings;"
        "print(run_check('launcher', Settings(launcher='docker', docker_url='unix:///nowhere.sock'))[0].state,"
        "sorted({'airflow', 'kubernetes', 'torch', 'mlflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(HOME)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split(maxsplit=1) == ["unreachable", "[]\n"]


ELSEWHERE = {"s3_endpoint": "http://s3:8333", "mlflow_uri": "http://mlflow:5000"}
"""Servers that have the same addresses in containers."""


@pytest.fixture
def docker(answers):
    answers.of.update(
        {"/version": (200, {"ApiVersion": "1.47"}), "/v1.47/info": (200, {"NCPU": 2, "MemTotal": 1, "Runtimes": {"runc": {}}})}
    )
    return answers


def settings_of(docker, **changes):
    return Settings(**{"launcher": "docker", "docker_url": docker.url.replace("http", "tcp"), **ELSEWHERE, **changes})


def images():
    """Name of each image, with its component."""
    return [(image.name, image.stage) for image in component_images()]


def add_images(docker, settings, *missing):
    for name, stage in images():
        if name not in missing:
            label_image(docker, settings, name, {LABEL: code_digest(stage)})


def label_image(docker, settings, name, labels):
    docker.of[f"/v1.47/images/{image_of(name, settings)}/json"] = (200, {"Id": "sha256:1", "Config": {"Labels": labels}})


def test_docker_with_all_images_is_ok(docker):
    settings = settings_of(docker)
    add_images(docker, settings)
    assert [finding.state for finding in run_check("launcher", settings)] == ["ok"]


def test_an_image_that_is_missing_is_an_error_and_one_of_a_registry_a_warning(docker):
    settings = settings_of(docker)
    add_images(docker, settings, "evaluation")
    (finding,) = run_check("launcher", settings)
    assert (finding.state, finding.got) == ("error", f"image {image_of('evaluation', settings)} not found")
    assert "make images" in finding.fix
    settings = settings_of(docker, images="registry.example/{stage}:{version}")
    add_images(docker, settings, "evaluation")
    (finding,) = run_check("launcher", settings)
    assert finding.state == "warning"


def test_an_image_of_other_code_is_an_error_and_one_that_does_not_say_a_warning(docker):
    settings = settings_of(docker)
    add_images(docker, settings)
    label_image(docker, settings, "evaluation", {LABEL: "0123456789abcdef"})
    label_image(docker, settings, "ingestion", None)
    found = {finding.state: finding for finding in run_check("launcher", settings)}
    assert found["error"].got.startswith(f"image {image_of('evaluation', settings)} is stale")
    assert found["warning"].got == f"image {image_of('ingestion', settings)} has no label {LABEL}: its code is unknown"
    assert all("make images" in finding.fix for finding in found.values())


@pytest.fixture
def local_docker(tmp_path_factory):
    """An engine on a socket of this machine, whose containers can have sockets of this machine; and the answers of one path."""
    from http.server import BaseHTTPRequestHandler
    from socketserver import ThreadingUnixStreamServer
    from threading import Thread

    place = tmp_path_factory.mktemp("engine") / "docker.sock"
    info = {"NCPU": 2, "MemTotal": 1, "Runtimes": {"runc": {}}, "OperatingSystem": "Debian"}
    digests = {image_of(name, Settings()): code_digest(stage) for name, stage in images()}

    class Engine(BaseHTTPRequestHandler):
        def address_string(self):
            return "local"

        def do_GET(self):
            name = self.path.removeprefix("/v1.47/images/").removesuffix("/json")
            image = {"Id": "sha256:1", "Config": {"Labels": {LABEL: digests.get(name, "")}}}
            body = {"/version": {"ApiVersion": "1.47"}, "/v1.47/info": info}.get(self.path, image)
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with ThreadingUnixStreamServer(str(place), Engine) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{place}", info
        server.shutdown()


def test_a_relay_that_does_not_run_is_an_error_and_one_that_does_is_not(local_docker, tmp_path):
    url, _ = local_docker
    settings = Settings(
        launcher="docker", docker_url=url, state=tmp_path, s3_endpoint="http://127.0.0.1:1", mlflow_uri="http://mlflow:5000"
    )
    (finding,) = run_check("launcher", settings)
    assert (finding.state, finding.fix) == ("error", "run `trainshed up` with TRAINSHED_LAUNCHER=docker")
    assert finding.got.startswith("the relay does not run: nothing listens on")
    prepare(folder(tmp_path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder(tmp_path) / "1"))
        listener.listen()
        assert [found.state for found in run_check("launcher", settings)] == ["ok"]


def test_docker_desktop_cannot_share_sockets(local_docker, tmp_path):
    url, info = local_docker
    info["OperatingSystem"] = "Docker Desktop"
    settings = Settings(
        launcher="docker", docker_url=url, state=tmp_path, s3_endpoint="http://127.0.0.1:1", mlflow_uri="http://127.0.0.1:2"
    )
    (finding,) = run_check("launcher", settings)
    assert finding.state == "error"
    assert "host.docker.internal" in finding.fix
    inside = {"container_s3_endpoint": "http://host.docker.internal:1", "container_mlflow_uri": "http://host.docker.internal:2"}
    assert [found.state for found in run_check("launcher", settings.model_copy(update=inside))] == ["ok"]


def test_containers_with_a_loopback_of_their_own_need_other_addresses(docker):
    settings = settings_of(docker, docker_network="bridge", s3_endpoint="http://127.0.0.1:8333", container_mlflow_uri="http://mlflow:5000")
    add_images(docker, settings)
    (finding,) = run_check("launcher", settings)
    assert (finding.state, finding.fix) == ("error", "set TRAINSHED_CONTAINER_S3_ENDPOINT to the server's address as they see it")
    settings = settings.model_copy(update={"container_s3_endpoint": "http://s3:8333"})
    assert [finding.state for finding in run_check("launcher", settings)] == ["ok"]


def test_a_folder_of_this_machine_is_no_store_for_containers(docker):
    settings = settings_of(docker, store="file:///var/lib/store")
    add_images(docker, settings)
    (finding,) = run_check("launcher", settings)
    assert (finding.state, finding.fix) == ("error", "set TRAINSHED_STORE to s3://bucket")


def test_cuda_on_an_engine_without_gpus_is_an_error(docker):
    settings = settings_of(docker, device="cuda")
    add_images(docker, settings)
    (finding,) = run_check("launcher", settings)
    assert finding.state == "error"
    assert "cannot give GPUs" in finding.got


INSIDE = {"s3_endpoint": "http://s3:8333", "mlflow_uri": "http://mlflow:5000", "kubernetes_secret": ""}
"""Settings that a cluster can work with."""


def ask(launcher="kubernetes", **changes):
    return run_check("launcher", Settings(launcher=launcher, **{**INSIDE, **changes}))


@pytest.mark.parametrize("launcher", ["kubernetes", "trainjob"])
def test_a_cluster_that_lets_us_in_is_ok(launcher, cluster):
    assert [finding.state for finding in ask(launcher)] == ["ok"]


def test_secrets_that_are_missing_are_errors(cluster):
    found = ask(kubernetes_secret="trainshed-{stage}")
    assert [finding.state for finding in found] == ["error"] * len(COMPONENTS)
    assert f"Secret trainshed-{min(COMPONENTS)} not found in namespace trainshed" in found[0].got


def test_a_cluster_that_refuses_us_is_an_error(cluster):
    cluster.refusals["get"] = (403, 'User "me" cannot get resource "pods"')
    (finding,) = ask()
    assert finding.state == "error"
    assert "no permission to get pods" in finding.got


@pytest.mark.parametrize(
    ("launcher", "verb", "told"),
    [
        ("kubernetes", "create", "create pods"),
        ("kubernetes", "delete", "delete pods"),
        ("trainjob", "create", "create pods, create trainjobs"),
        ("trainjob", "list", "list pods, list trainjobs"),
    ],
)
def test_a_right_that_is_missing_is_named(launcher, verb, told, cluster):
    cluster.refusals[verb] = (403, "no")
    (finding,) = ask(launcher)
    assert (finding.state, finding.got) == ("error", f"no permission to {told} in namespace trainshed")
    assert "bind the role" in finding.fix


def test_what_is_asked_for_is_what_the_role_gives():
    rules = [rule for found in yaml.safe_load_all((INFRA / "base" / "launcher-role.yaml").read_text()) for rule in found.get("rules", ())]
    part = yaml.safe_load((INFRA / "trainer" / "kustomization.yaml").read_text())
    more = [one["value"] for patch in part["patches"] for one in yaml.safe_load(patch["patch"])]
    for asked, given in ((permissions.PODS, rules), (permissions.JOBS, more)):
        allowed = {
            (group, kind, verb) for rule in given for group in rule["apiGroups"] for kind in rule["resources"] for verb in rule["verbs"]
        }
        assert set(asked) == allowed


def test_a_cluster_without_the_trainer_is_an_error_for_trainjobs_only(cluster):
    cluster.trainer.installed = False
    assert [finding.state for finding in ask("kubernetes")] == ["ok"]
    (finding,) = ask("trainjob")
    assert finding.state == "error"
    assert "CRD is not installed" in finding.got
    assert "install Kubeflow Trainer v2" in finding.fix


def test_a_runtime_that_is_missing_is_an_error(cluster):
    (finding,) = ask("trainjob", trainjob_runtime="theirs")
    assert (finding.state, finding.got) == ("error", "TrainingRuntime theirs not found in namespace trainshed")


def test_addresses_of_this_machine_lead_pods_to_themselves(cluster):
    found = ask(s3_endpoint="http://127.0.0.1:8333", mlflow_uri="http://localhost:5000")
    assert [finding.fix.split()[1] for finding in found] == ["TRAINSHED_CONTAINER_S3_ENDPOINT", "TRAINSHED_CONTAINER_MLFLOW_URI"]
    assert {finding.state for finding in found} == {"error"}


@pytest.mark.parametrize("allocatable", [{"cpu": "64"}, {"cpu": "64", "nvidia.com/gpu": "0"}])
def test_gpus_that_no_node_offers_are_a_warning(cluster, allocatable):
    cluster.node = {"allocatable": allocatable}
    (finding,) = ask()
    assert (finding.state, finding.got) == ("warning", "no node has nvidia.com/gpu now, which machine size gpu-1 asks for")


def policy(labels, *ports):
    egress = [{"to": [], "ports": [{"protocol": "TCP", **port}]} for port in ports]
    spec = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Egress"], "egress": egress}
    return {"metadata": {"name": "p"}, "spec": spec}


def test_policies_that_let_nobody_out_to_the_store_are_errors(cluster):
    ours = {"app.kubernetes.io/name": "trainshed"}
    cluster.policies = [policy({}), policy(ours, {"port": 5000}), policy({"app": "theirs"}, {"port": 8333})]
    (finding,) = ask()
    assert finding.state == "error"
    assert "block port 8333, where S3 is" in finding.got
    for opened in ({"port": 8333}, {"port": 8000, "endPort": 9000}, {"port": "s3"}):
        cluster.policies[-1] = policy(ours, opened)
        assert [finding.state for finding in ask()] == ["ok"]


def test_the_policies_of_this_repository_let_pods_out_to_their_store(cluster):
    cluster.policies = list(yaml.safe_load_all((INFRA / "base" / "network-policies.yaml").read_text()))
    assert [finding.state for finding in ask()] == ["error"]
    cluster.policies += yaml.safe_load_all((INFRA / "overlays" / "development" / "allow-store.yaml").read_text())
    assert [finding.state for finding in ask()] == ["ok"]


def test_a_cluster_that_does_not_answer_is_unreachable(cluster, monkeypatch):
    monkeypatch.setattr("pipeline.doctor.cluster.kubernetes.RETRY_S", 0.0)
    cluster.away = True
    (finding,) = ask()
    assert finding.state == "unreachable"
