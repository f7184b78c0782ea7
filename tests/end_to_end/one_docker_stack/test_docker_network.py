"""What a component's container reaches: S3's gateway and MLflow, and nothing else. A relay that is killed costs it some time."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from fixtures.boxed import boxed
from fixtures.commands import RETRY_S, started, trainshed, until, written
from fixtures.docker import client, containers, docker
from fixtures.docker_worker import attempt

from pipeline.artifacts import open_artifacts
from pipeline.launchers.docker.render import Host, Image, render_container
from pipeline.machine_sizes import machine
from pipeline.operators.launch import TaskKey
from pipeline.recipe.overrides import replace_fields
from pipeline.relay.sockets import CONNECTED
from pipeline.relay.sockets import folder as folder_of
from pipeline.stack import ports, server_processes
from pipeline.submission.airflow_client import Airflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.stack import RunningStack

pytestmark = pytest.mark.timeout(1200)  # images are built first, and a line runs in containers

IMAGE = "trainshed-test/ingestion:0.1.0"
HOST = Host(cpus=2, memory_bytes=2**32, gpus=False)

PROBE = """
import http.client, json, os, socket, sys

servers, others, abstract = json.loads(sys.argv[1])
found = {}

def attempt(name, connect):
    try:
        connect()
        found[name] = "reached"
    except OSError as error:
        found[name] = type(error).__name__

for name, (host, port, path) in servers.items():
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", path)
    found[name] = connection.getresponse().status
for name, address in others.items():
    attempt(name, lambda: socket.create_connection(tuple(address), timeout=5).close())
attempt("a socket without a file", lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + abstract))
attempt("a name server", lambda: socket.getaddrinfo("localhost.localdomain.example", 443))
attempt("the list of sockets", lambda: os.listdir("/run/trainshed"))
attempt("removal of a socket", lambda: os.unlink("/run/trainshed/%d" % servers["s3"][1]))
print(json.dumps(found))
"""


@contextmanager
def listening(host: str) -> Iterator[tuple[str, int]]:
    """A server of somebody else on this machine."""
    with socket.create_server((host, 0), backlog=20) as server:
        yield (host, server.getsockname()[1])


@contextmanager
def listening_without_a_file() -> Iterator[str]:
    """A server on an abstract socket: the namespace of the network decides who reaches it."""
    name = f"trainshed-{secrets.token_hex(4)}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen(20)
        yield name


@contextmanager
def another_container() -> Iterator[tuple[str, int]]:
    """A container on Docker's bridge that listens."""
    made = docker("run", "-d", "--rm", "--network", "bridge", "--entrypoint", "python", IMAGE, "-m", "http.server", "8000")
    try:
        address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", made)
        until("the other container to listen", lambda: _answers(address, 8000))
        yield (address, 8000)
    finally:
        docker("rm", "-f", "-v", made)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def configuration(stack: RunningStack, command: list[str], **settings: object) -> dict[str, Any]:
    """A component's container as the launcher makes it, with another command than the component."""
    chosen = stack.settings.model_copy(update={"launcher": "docker", **settings})
    image = docker("inspect", "--format", "{{.Id}}", IMAGE)
    made = render_container(attempt("nothing"), TaskKey("d", "r", "t"), Image(image, image), machine("cpu-small", chosen), HOST, chosen)
    relay = made["Entrypoint"][: made["Entrypoint"].index("--") + 1] if "--" in made["Entrypoint"] else []
    return {**made, "Entrypoint": [*relay, *command], "Cmd": []}


def output(config: dict[str, Any]) -> str:
    """What a container prints, standard error included."""
    from docker import APIClient

    client = APIClient(version="auto")
    made = client.create_container_from_config(config)["Id"]
    try:
        client.start(made)
        code = client.wait(made)["StatusCode"]
        said = client.logs(made).decode()
        assert code == 0, said
    finally:
        client.remove_container(made, v=True, force=True)
        client.close()
    return said


def test_a_container_reaches_s3_and_mlflow_and_nothing_else(docker_stack: RunningStack) -> None:
    settings = docker_stack.settings
    used = ports.recorded(settings.state)
    servers = {"s3": ("127.0.0.1", used["s3"], "/pipeline"), "mlflow": ("127.0.0.1", used["mlflow"], "/health")}
    inner = {name: port for name, port in used.items() if name.startswith("s3-")}
    others: dict[str, tuple[str, int]] = {
        "airflow": ("127.0.0.1", used["airflow"]),
        **{name: ("127.0.0.1", port) for name, port in inner.items()},
        **{f"{name}, gRPC": ("127.0.0.1", port + ports.PARTNER_OFFSET) for name, port in [*inner.items(), ("s3", used["s3"])]},
    }
    bridge = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    outside = {address.address for name, found in psutil.net_if_addrs().items() for address in found if name != "lo"}
    with ExitStack() as stack:
        others["on the loopback"] = stack.enter_context(listening("127.0.0.1"))
        _, port = stack.enter_context(listening("0.0.0.0"))
        # an engine that has just made its bridge does not name the gateway; then the interface does
        others |= {f"on {host}": (host, port) for host in {bridge, *outside} if host.count(".") == 3}
        others["another container"] = stack.enter_context(another_container())
        abstract = stack.enter_context(listening_without_a_file())
        probe = ["python", "-c", PROBE, json.dumps([servers, others, abstract])]
        found = json.loads(output(configuration(docker_stack, probe)).splitlines()[-1])
        # with the host's network the same attempts succeed
        control = json.loads(output(configuration(docker_stack, probe, docker_network="host")).splitlines()[-1])
    assert (found.pop("s3"), found.pop("mlflow")) == (403, 200)
    assert [name for name, how in found.items() if how == "reached"] == []
    assert (control["s3"], control["mlflow"]) == (403, 200)
    assert {name for name, how in control.items() if how == "reached"} == {*others, "a socket without a file"}


def test_with_a_network_of_its_own_it_still_reaches_both(docker_stack: RunningStack) -> None:
    """As an import from the internet needs it."""
    used = ports.recorded(docker_stack.settings.state)
    servers = {"s3": ("127.0.0.1", used["s3"], "/pipeline"), "mlflow": ("127.0.0.1", used["mlflow"], "/health")}
    with another_container() as other:
        probe = ["python", "-c", PROBE, json.dumps([servers, {"other": other, "airflow": ("127.0.0.1", used["airflow"])}, "none"])]
        found = json.loads(output(configuration(docker_stack, probe, docker_network="bridge")).splitlines()[-1])
    assert (found["s3"], found["mlflow"], found["other"], found["airflow"]) == (403, 200, "reached", "ConnectionRefusedError")


def test_the_sockets_are_for_the_stacks_owner_alone(docker_stack: RunningStack) -> None:
    place = folder_of(docker_stack.settings.state)
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in place.iterdir()} == {
        str(port) for port in (ports.recorded(docker_stack.settings.state)[n] for n in ("s3", "mlflow"))
    }


def relay(stack: RunningStack) -> psutil.Process:
    main = server_processes.find_all(stack.settings.state.resolve())["relay"].main
    assert main is not None
    return main


def hang_up(path: Path, times: int) -> None:
    """Be in the place of the relay, and close each connection; so the container has met the outage when this returns."""
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(CONNECTED)
        server.listen()
        server.settimeout(RETRY_S)
        for _ in range(times):
            server.accept()[0].close()


def logs(container: str) -> str:
    """Standard output and standard error so far."""
    command = [client(), "logs", container]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


@pytest.mark.prove
def test_a_relay_that_is_killed_costs_a_training_no_step(docker_stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    often = {"pretraining.steps": 800, "pretraining.checkpoint_every": 50, "pretraining.evaluate_every": 800}
    recipe = replace_fields(boxed(docker_stack, folder), {**often, "name": "cut", "registration.model": "cut"}, "a test")
    run = started(docker_stack, "run", written(recipe, folder))
    name = run.stdout.readline().split()[0]
    wanted = ("status=running", f"label=trainshed.run={name}", "label=trainshed.step=pretraining")
    made = until("the container", lambda: containers(docker_stack.settings.state, *wanted))[0]
    until("a checkpoint", lambda: "checkpoint committed" in logs(made))
    killed = relay(docker_stack)
    killed.kill()
    killed.wait()
    hang_up(folder_of(docker_stack.settings.state) / str(ports.recorded(docker_stack.settings.state)["s3"]), times=5)
    trainshed(docker_stack, "up")
    out, err = run.communicate(timeout=RETRY_S)
    assert run.returncode == 0, out + err
    airflow = Airflow(docker_stack.settings)
    dag = next(row for row in airflow.runs() if row.id == name)
    assert airflow.tasks(dag.dag, dag.id)["pretraining"].attempt == 1
    assert open_artifacts(docker_stack.settings).manifests("pretraining")
