"""A real stack in a temporary folder: start it, kill parts of it, restart it, stop it, and inspect it from outside."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from fixtures.stack import bare_environment, free_settings

from pipeline.errors import Unavailable
from pipeline.settings import Settings, load_settings
from pipeline.stack import processes, stack, startup
from pipeline.stack.http import ask

pytestmark = pytest.mark.timeout(300)  # each brings servers up, some of them twice

SERVERS = {"s3", "mlflow", "airflow-api", "airflow-scheduler", "airflow-dag-processor"}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    settings = free_settings(tmp_path_factory.mktemp("real"))
    with bare_environment():
        yield settings
        stack.down(settings)


@pytest.fixture
def running(wanted) -> Settings:
    """Restart what the previous test killed; return the settings that a client reads."""
    stack.up(wanted)
    return load_settings(wanted.state)


def pids(settings: Settings) -> dict[str, int]:
    return {one.name: one.pid for one in stack.status(settings) if one.state == "running"}


def living(settings: Settings) -> list[psutil.Process]:
    return [marked.process for marked in processes.find_marked(settings.state.resolve())]


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    process.wait()


def test_up_twice_is_harmless(running, wanted):
    before = pids(running)
    assert set(before) == SERVERS
    stack.up(wanted)
    assert pids(running) == before


def test_every_socket_listens_on_loopback(running):
    sockets = []
    for one in living(running):
        with suppress(psutil.NoSuchProcess):  # a task has ended meanwhile
            sockets += [c.laddr for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(sockets) >= 12, "ten of S3, one each of MLflow and Airflow"
    assert {address.ip for address in sockets} == {"127.0.0.1"}


@pytest.mark.parametrize("victim", ["airflow-scheduler", "airflow-api"])
def test_a_killed_server_is_started_again_and_the_rest_left_alone(running, wanted, victim):
    before = pids(running)
    orphans = psutil.Process(before[victim]).children(recursive=True)
    kill(before[victim])
    assert victim not in pids(running)
    stack.up(wanted)
    after = pids(running)
    assert after.pop(victim) != before.pop(victim)
    assert after == before
    assert not [orphan for orphan in orphans if orphan.is_running()]


def test_after_a_kill_of_everything_a_taken_port_is_replaced(running, wanted):
    # kept, for one that is dying has lost its mark before it lets go of its port
    family = living(running)
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", wanted.mlflow_port))
        squatter.listen()
        stack.up(wanted)
    assert set(pids(running)) == SERVERS
    moved = load_settings(wanted.state).mlflow_uri
    assert moved != f"http://127.0.0.1:{wanted.mlflow_port}"
    assert moved in {one.address for one in stack.status(running)}


def test_a_stale_record_harms_no_other_program(running, wanted):
    before = pids(running)
    own = psutil.Process()
    record = wanted.state / "stack" / "mlflow.pid"
    record.write_text(json.dumps({"pid": own.pid, "created": own.create_time()}))
    stack.up(wanted)
    after = pids(running)
    assert own.is_running()
    assert after.pop("mlflow") not in {own.pid, before.pop("mlflow")}
    assert after == before, "the new MLflow server has the old one's port, so nobody else need know"


def test_a_server_that_hangs_is_replaced(running, wanted, monkeypatch):
    monkeypatch.setattr(startup, "HANG_RETRY_S", 0.1)
    before = pids(running)
    psutil.Process(before["mlflow"]).suspend()
    stack.up(wanted)
    after = pids(running)
    assert after.pop("mlflow") != before.pop("mlflow")
    assert after == before


def test_mlflow_asks_for_the_password_and_knows_its_own_name_only(running):
    search = f"{running.mlflow_uri}/api/2.0/mlflow/experiments/search"
    assert ask(search, {"max_results": 1}).status == 401
    assert ask(search, {"max_results": 1}, (running.mlflow_username, "wrong")).status == 401
    login = (running.mlflow_username, running.mlflow_password.get_secret_value())
    assert ask(search, {"max_results": 1}, login).status == 200
    port = int(running.mlflow_uri.rpartition(":")[2])
    key = base64.b64encode(":".join(login).encode()).decode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        asked = f"GET /ajax-api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Basic {key}"
        connection.sendall(f"{asked}\r\nConnection: close\r\n\r\n".encode())
        assert b" 403 " in connection.recv(4096)


def test_servers_that_exist_are_used_and_not_started(running, tmp_path):
    known = running.model_dump() | {"state": tmp_path, "use_existing": frozenset({"s3", "mlflow", "airflow"})}
    elsewhere = Settings(**known)
    assert {one.state for one in stack.up(elsewhere)} == {"existing"}
    assert living(elsewhere) == []
    assert stack.down(elsewhere) == 0
    gone = Settings(**known | {"mlflow_uri": "http://127.0.0.1:9"})
    with pytest.raises(Unavailable, match=r"existing mlflow at http://127\.0\.0\.1:9 is not ready"):
        stack.up(gone)


def test_a_child_that_dies_is_one_line_with_the_end_of_its_log_and_nothing_stays(running, tmp_path):
    known = running.model_dump() | {"state": tmp_path, "use_existing": frozenset({"s3"})}
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_text("not a database " * 100)
    with pytest.raises(Unavailable, match=r"mlflow exited with code 1 .*mlflow.log, which ends with: .*not a database") as caught:
        stack.up(Settings(**known))
    assert "\n" not in str(caught.value)
    assert living(Settings(**known)) == []


def test_ctrl_c_while_starting_is_130_and_leaves_no_process(tmp_path):
    wanted = free_settings(tmp_path)
    ports = {f"TRAINSHED_{name.upper()}": str(getattr(wanted, name)) for name in ("s3_port", "mlflow_port", "airflow_port")}
    command = [str(Path(sys.executable).with_name("trainshed")), "up"]
    foreign = {"AWS_PROFILE": "of-another-account", "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    environment = os.environ | ports | foreign | {"TRAINSHED_STATE": str(tmp_path)}
    try:
        with subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a test run in the background of a script inherits SIGINT as ignored, and Python would then leave it so
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it only sets a signal
        ) as up:
            for line in up.stdout:
                if line.startswith("s3 running"):
                    break
            up.send_signal(signal.SIGINT)
            assert up.wait() == 130
            told = "trainshed: interrupted; the started servers are stopped again; fix: run `trainshed up` again\n"
            assert up.stderr.read() == told
        assert living(wanted) == []
    finally:
        stack.down(wanted)


def test_down_leaves_no_process_not_even_a_component_that_lost_its_worker(wanted):
    stack.up(wanted)
    state = wanted.state.resolve()
    kill(pids(wanted)["airflow-scheduler"])
    code = "import time; time.sleep(600)"
    processes.start(
        [sys.executable, "-c", code], {}, state=state, server="airflow-scheduler", configuration="", log=state / "logs" / "stray.log"
    )
    families, servers = living(wanted), len(pids(wanted))
    # more than the servers: the component too; parsers that Airflow's DAG processor forks come and go
    assert stack.down(wanted) > servers
    assert living(wanted) == []
    assert not [process for process in families if process.is_running()]
    assert {one.state for one in stack.status(wanted)} == {"stopped"}
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{wanted.s3_port}.sock"))
    assert stack.down(wanted) == 0
