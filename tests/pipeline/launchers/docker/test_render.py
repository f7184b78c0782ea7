"""A container's configuration, compared with a golden copy, and what machine sizes, GPUs and names do to it."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.errors import BadInput
from pipeline.launchers.docker.render import Host, Image, container_name, render_container
from pipeline.machine_sizes import MachineSize
from pipeline.operators.launch import Launch, TaskKey
from pipeline.placement.container_image import image_of
from pipeline.runs.request import Request
from pipeline.settings import Settings
from pipeline.sources.base import Pin

GOLDEN = Path(__file__).with_name("container.json")
SETTINGS = Settings(
    state=Path("/var/lib/trainshed"),
    store="s3://pipeline",
    s3_endpoint="http://127.0.0.1:8333",
    s3_access_key=SecretStr("planted-access"),
    s3_secret_key=SecretStr("planted-secret"),
    mlflow_uri="http://127.0.0.1:5000",
    mlflow_username="trainshed",
    mlflow_password=SecretStr("planted-password"),
    threads=2,
    device="auto",
)
REQUEST = Request(
    run="pydocs-20260102-030405-9f3a", recipe="pydocs", step="pretraining", stage="pretraining", params={}, fingerprint="ab" * 32
)
ATTEMPT = Launch("pretraining", "s3://pipeline/runs/pydocs-20260102-030405-9f3a/requests/pretraining.json", REQUEST, "gpu-1", trains=True)
TASK = TaskKey("pydocs", "scheduled__2026-01-02T03:04:05+00:00", "pretraining")
IMAGE = Image("sha256:" + "1" * 64, "registry.example/trainshed/pretraining@sha256:" + "2" * 64)
GPU = MachineSize(name="gpu-1", cpus=8, memory_mb=32768, gpus=2, shared_memory_mb=8192, scratch_mb=1024)
SERVER = Host(cpus=64, memory_bytes=2**38, gpus=True)
LAPTOP = Host(cpus=2, memory_bytes=2**34, gpus=False)


def rendered(settings: Settings = SETTINGS, host: Host = SERVER, machine: MachineSize = GPU) -> dict:
    return render_container(ATTEMPT, TASK, IMAGE, machine, host, settings)


def test_golden_copy() -> None:
    """Where the change is meant, write the new copy: it is the output of this very call."""
    found = json.loads(json.dumps(rendered()))
    assert found == json.loads(GOLDEN.read_text()), json.dumps(found, indent=2)


def test_no_root_no_capabilities_nothing_to_write_to_but_two_volumes() -> None:
    config = rendered()
    assert config["User"].split(":")[0] not in {"", "0", "root"}
    assert config["HostConfig"]["ReadonlyRootfs"] is True
    assert config["HostConfig"]["CapDrop"] == ["ALL"]
    assert config["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    assert [mount["Target"] for mount in config["HostConfig"]["Mounts"] if not mount.get("ReadOnly")] == ["/scratch", "/tmp"]


def test_a_server_that_listens_on_the_loopback_of_ipv6_is_reached_too() -> None:
    config = rendered(SETTINGS.model_copy(update={"mlflow_uri": "http://[::1]:5000"}))
    assert "::1:5000" in config["Entrypoint"]
    assert config["HostConfig"]["Sysctls"] == {"net.ipv6.conf.lo.disable_ipv6": "0"}


def test_a_container_that_has_servers_elsewhere_has_a_network_and_no_relay() -> None:
    config = rendered(SETTINGS.model_copy(update={"s3_endpoint": "https://s3.example", "mlflow_uri": "https://mlflow.example"}))
    assert config["HostConfig"]["NetworkMode"] == "bridge"
    assert [mount["Target"] for mount in config["HostConfig"]["Mounts"]] == ["/scratch", "/tmp"]
    assert config["Entrypoint"][:3] == ["python", "-m", "pipeline.runtime.torchrun"]
    assert "TRAINSHED_CONTAINER_NETWORK=bridge" in config["Env"]


def test_keys_are_in_the_environment_and_nowhere_else() -> None:
    config = rendered()
    variables = config.pop("Env")
    assert "AWS_SECRET_ACCESS_KEY=planted-secret" in variables
    assert "planted" not in json.dumps(config)


def test_the_databases_are_known_to_steps_that_read_a_source_only() -> None:
    settings = SETTINGS.model_copy(update={"databases": SecretStr('{"crm": "sqlite:///a.db"}')})
    variable = 'TRAINSHED_DATABASES={"crm": "sqlite:///a.db"}'
    assert variable not in rendered(settings)["Env"]
    reads = ATTEMPT._replace(request=REQUEST.model_copy(update={"pin": Pin(kind="sql", items=())}))
    assert variable in render_container(reads, TASK, IMAGE, GPU, SERVER, settings)["Env"]


@pytest.mark.parametrize(
    ("device", "host", "gpus"),
    [("auto", SERVER, 2), ("auto", LAPTOP, 0), ("cuda", LAPTOP, 2), ("cuda", SERVER, 2), ("cpu", SERVER, 0)],
)
def test_gpus_are_asked_for_where_there_are_some_or_where_cuda_is_demanded(device: str, host: Host, gpus: int) -> None:
    asked = rendered(SETTINGS.model_copy(update={"device": device}), host)["HostConfig"]["DeviceRequests"]
    assert sum(one["Count"] for one in asked) == gpus


def test_what_trains_is_a_process_for_each_gpu_that_is_there() -> None:
    relay = ["python", "-m", "pipeline.relay.inside", "127.0.0.1:5000", "127.0.0.1:8333", "--"]
    alone = [*relay, "python", "-m", "components.pretraining"]
    assert rendered()["Entrypoint"] == [*relay, "python", "-m", "pipeline.runtime.torchrun", "--nproc-per-node", "2", *alone[-2:]]
    assert rendered(host=LAPTOP)["Entrypoint"] == alone
    assert render_container(ATTEMPT._replace(trains=False), TASK, IMAGE, GPU, SERVER, SETTINGS)["Entrypoint"] == alone


def test_several_nodes_are_refused() -> None:
    with pytest.raises(BadInput, match=r"2 nodes; expected one node for the launcher docker.*trainjob"):
        rendered(machine=GPU.model_copy(update={"nodes": 2}))


def test_a_size_beyond_the_host_is_cut_down_to_it() -> None:
    limits = rendered(host=LAPTOP)["HostConfig"]
    assert (limits["NanoCpus"], limits["Memory"]) == (2 * 10**9, 2**34)


@pytest.mark.parametrize(("host", "threads"), [(SERVER, 4), (LAPTOP, 2)])
def test_threads_follow_from_the_cpus_it_is_given_where_nobody_says_how_many(host: Host, threads: int) -> None:
    variables = rendered(SETTINGS.model_copy(update={"threads": None}), host)["Env"]
    assert f"TRAINSHED_THREADS={threads}" in variables


def test_a_name_is_the_same_for_every_attempt_and_differs_by_run_step_fingerprint_and_store() -> None:
    name = container_name(REQUEST, SETTINGS)
    assert name == container_name(REQUEST.model_copy(), SETTINGS)
    assert all(part in name for part in (REQUEST.run, "pretraining", "ab" * 6))
    others = [
        container_name(REQUEST.model_copy(update={field: other}), SETTINGS)
        for field, other in (("run", "another"), ("step", "finetuning"), ("fingerprint", "cd" * 32))
    ]
    others.append(container_name(REQUEST, SETTINGS.model_copy(update={"store": "s3://other"})))
    assert len({name, *others}) == 5


def test_the_image_of_a_stage() -> None:
    assert image_of("ingestion", Settings(images="r.example/t/{stage}:{version}-cuda")).startswith("r.example/t/ingestion:0.")
    assert image_of("ingestion", Settings(images="fixed@sha256:12")) == "fixed@sha256:12"
    with pytest.raises(BadInput, match="TRAINSHED_IMAGES"):
        image_of("ingestion", Settings(images="t/{stagge}"))
