"""The launcher ``docker`` against a real engine: follow, re-attach, take over, stop, refuse."""

import logging
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout
from fixtures.docker import client, containers, docker
from fixtures.mlflow import free_port

from pipeline.errors import BadInput, Unavailable

pytestmark = pytest.mark.timeout(600)  # the base image is built first

SLEEPER = Path(__file__).resolve().parents[3] / "fixtures" / "sleeper"


class Task:
    """Airflow's task instance, as far as a launcher asks it."""

    dag_id = task_id = "sleeper"
    map_index = -1

    def __init__(self, states: dict[str, str | BaseException]) -> None:
        self.states = states

    def get_task_states(self, dag_id, task_ids, run_ids, map_index=None):
        state = self.states.get(run_ids[0])
        if isinstance(state, BaseException):
            raise state
        return {run_ids[0]: {task_ids[0]: state}} if state else {}


class Launch(threading.Thread):
    """One attempt at a step, followed in a thread of its own."""

    def __init__(
        self, what: str, run: str = "r1", state: str | BaseException = "running", fingerprint: str = "ab" * 32, **others: str
    ) -> None:
        from fixtures.docker_worker import STEP, attempt

        from pipeline.launchers.docker.operator import DockerComponentOperator

        super().__init__(daemon=True)
        self.heard = threading.Condition()
        listening = type("Listening", (DockerComponentOperator,), {"log": self})
        self.operator = listening(step=STEP)
        self.lines: list[tuple[int, str]] = []
        self.attempt = attempt(what, run, fingerprint)
        self.context = {"ti": Task({run: state, **others}), "run_id": run}
        self.code: int | None = None
        self.error: BaseException | None = None

    def log(self, level: int, form: str, *values: object) -> None:
        """Hear what the operator logs."""
        with self.heard:
            self.lines.append((level, form % values))
            self.heard.notify_all()

    def info(self, form: str, *values: object) -> None:
        self.log(logging.INFO, form, *values)

    def warning(self, form: str, *values: object) -> None:
        self.log(logging.WARNING, form, *values)

    def run(self) -> None:
        try:
            self.code = self.operator.launch(self.attempt, self.context)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def until(self, text: str) -> "Launch":
        with self.heard:
            assert self.heard.wait_for(lambda: any(text in line for _, line in self.lines), timeout=30), (self.lines, self.error)
        return self

    def ended(self) -> "Launch":
        self.join(30)
        assert not self.is_alive()
        return self

    def said(self) -> list[str]:
        return [line for _, line in self.lines]


@pytest.fixture(scope="module")
def sleeper(base_image: str) -> str:
    command = [client(), "build", "-q", "--build-arg", f"BASE_IMAGE={base_image}", "-t", "trainshed-test/sleeper:1", str(SLEEPER)]
    subprocess.run(command, check=True, capture_output=True)
    return "trainshed-test/{stage}:1"


@pytest.fixture
def launch(sleeper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Launch]]:
    volume = f"trainshed-test-{secrets.token_hex(4)}"
    values = {
        "TRAINSHED_STATE": str(tmp_path),
        "TRAINSHED_STORE": f"s3://{secrets.token_hex(4)}",
        "TRAINSHED_IMAGES": sleeper,
        "TRAINSHED_DOCKER_VOLUME": volume,
        "TRAINSHED_DEVICE": "cpu",
        # this component asks no server
        "TRAINSHED_MLFLOW_URI": "https://mlflow.example",
        "TRAINSHED_DOCKER_NETWORK": "none",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    yield Launch
    for left in containers(tmp_path):
        docker("rm", "-f", "-v", left)
    docker("volume", "rm", "-f", volume, check=False)


def started(made: Launch) -> Launch:
    made.start()
    return made


@pytest.mark.parametrize(("what", "code"), [("exit:0", 0), ("exit:2", 2), ("exit:75", 75), ("signal:9", -9)])
def test_lines_at_their_level_and_the_exit_code(launch, tmp_path, what: str, code: int) -> None:
    made = started(launch(what)).ended()
    assert (made.error, made.code) == (None, code)
    assert (logging.INFO, "2026-01-02T03:04:05 INFO sleeper begins") in made.lines
    assert (logging.INFO, "user 10001") in made.lines
    assert containers(tmp_path) == []


def test_a_component_can_write_to_scratch_and_to_tmp_only(launch) -> None:
    said = started(launch("write")).ended().said()
    assert [line for line in said if line.split()[0] in {"writable", "read-only"}] == [
        "writable /scratch/x",
        "writable /tmp/x",
        "read-only /app/x",
        "read-only /etc/x",
    ]


def test_a_retry_reattaches_to_the_container_that_runs(launch, tmp_path) -> None:
    first = started(launch("wait")).until("sleeper begins")
    first.operator.on_kill()  # a lost heartbeat: Airflow's state of the task is `running`
    assert "re-attaches" in str(first.ended().error)
    (name,) = containers(tmp_path, "status=running")
    second = started(launch("wait")).until("re-attached")
    second.until("sleeper begins")
    docker("kill", "--signal", "USR1", name)
    assert second.ended().code == 0
    assert "told to go on" in second.said()
    assert containers(tmp_path) == []


def test_twenty_lost_attempts_leave_one_container(launch, tmp_path) -> None:
    made = set()
    for _ in range(20):
        attempt = started(launch("wait")).until("sleeper begins")
        made.add(docker("inspect", "--format", "{{.Id}}", *containers(tmp_path)))
        attempt.operator.on_kill()
        assert "re-attaches" in str(attempt.ended().error)
    assert len(made) == 1
    docker("kill", "--signal", "USR1", *made)
    assert started(launch("wait")).ended().code == 0


def test_a_retry_takes_over_the_exit_code_of_a_container_that_has_ended(launch, tmp_path) -> None:
    first = started(launch("wait")).until("sleeper begins")
    first.operator.on_kill()
    first.ended()
    (name,) = containers(tmp_path)
    docker("kill", "--signal", "TERM", name)
    docker("wait", name)
    second = started(launch("exit:0")).ended()
    assert second.code == 75
    assert (logging.WARNING, "2026-01-02T03:04:05 WARNING sleeper told to stop") in second.lines
    assert containers(tmp_path) == []
    assert started(launch("exit:0")).ended().code == 0


def test_what_ended_in_another_run_is_removed_once_its_task_is_over(launch, tmp_path) -> None:
    first = started(launch("wait", run="r0")).until("sleeper begins")
    first.operator.on_kill()
    first.ended()
    (name,) = containers(tmp_path)
    docker("kill", name)
    docker("wait", name)
    assert started(launch("exit:0", run="r1", r0="up_for_retry")).ended().code == 0
    assert containers(tmp_path) == [name]  # the next attempt of its own run reads its exit code
    assert started(launch("exit:0", run="r2", r0="failed")).ended().code == 0
    assert containers(tmp_path) == []


def test_a_redeployment_stops_the_container_of_the_earlier_plan(launch, tmp_path, caplog) -> None:
    """The retry has another fingerprint, so another container name: nobody would follow the first container any more."""
    first = started(launch("wait", fingerprint="cd" * 32)).until("sleeper begins")
    first.operator.on_kill()
    first.ended()
    other = started(launch("wait", run="r2")).until("sleeper begins")
    second = started(launch("exit:0")).ended()
    assert second.code == 0
    assert "fingerprint cdcdcdcdcdcd of an earlier plan" in caplog.text
    (left,) = containers(tmp_path)
    assert "r2" in left
    docker("kill", "--signal", "USR1", left)
    assert other.ended().code == 0


def test_what_is_left_of_another_image_does_not_count(launch, tmp_path, base_image) -> None:
    first = started(launch("wait")).until("sleeper begins")
    first.operator.on_kill()
    first.ended()
    (name,) = containers(tmp_path)
    docker("kill", name)
    docker("wait", name)
    mended = (
        f"FROM {base_image}\nRUN install -d -o 10001 /scratch\nCOPY __main__.py /app/components/sleeper/\nWORKDIR /app\nLABEL mended=yes\n"
    )
    subprocess.run(
        [client(), "build", "-q", "-f", "-", "-t", "trainshed-test/sleeper:1", str(SLEEPER)],
        input=mended,
        text=True,
        check=True,
        capture_output=True,
    )
    assert started(launch("exit:0")).ended().code == 0


def logs(name: str) -> str:
    return docker("logs", name)


def test_marked_failed_the_container_has_time_to_checkpoint(launch, tmp_path) -> None:
    """Airflow kills the task five seconds after it asked it to end; a checkpoint may take longer."""
    made = started(launch("slow", state="failed")).until("sleeper begins")
    made.operator.on_kill()
    assert "is stopping: it has 120 s to checkpoint" in str(made.ended().error)
    (name,) = containers(tmp_path)
    assert docker("wait", name) == "75"
    assert logs(name).endswith("checkpoint committed")


def test_the_container_has_its_time_also_when_the_worker_is_killed(launch, tmp_path) -> None:
    command = [sys.executable, "-m", "fixtures.docker_worker", "slow"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert any("sleeper told to stop" in line for line in worker.stdout)
        finally:
            worker.kill()
    (name,) = containers(tmp_path)
    assert docker("wait", name) == "75"
    assert logs(name).endswith("checkpoint committed")


@pytest.mark.parametrize(("what", "code"), [("wait", 75), ("stubborn", -9)])
def test_marked_failed_the_container_is_told_to_stop_and_then_killed(launch, tmp_path, monkeypatch, what: str, code: int) -> None:
    monkeypatch.setattr("pipeline.launchers.docker.operator.GRACE_S", 1)
    made = started(launch(what, state="failed")).until("sleeper begins")
    made.operator.on_kill()
    assert made.ended().code == code
    assert (logging.WARNING, "2026-01-02T03:04:05 WARNING sleeper told to stop") in made.lines
    assert containers(tmp_path) == []


def test_a_timeout_of_the_task_stops_the_container(launch, tmp_path) -> None:
    made = started(launch("wait", state=AirflowTaskTimeout())).until("sleeper begins")
    (name,) = containers(tmp_path)
    made.operator.on_kill()
    assert isinstance(made.ended().error, AirflowTaskTimeout)
    assert docker("wait", name) == "75"


def test_two_attempts_at_once_share_one_container(launch, tmp_path) -> None:
    both = [started(launch("wait")), started(launch("wait"))]
    for made in both:
        made.until("sleeper begins")
    (name,) = containers(tmp_path)
    docker("kill", "--signal", "USR1", name)
    ends = [made.ended() for made in both]
    assert 0 in [made.code for made in ends]
    # one removes the container; the other may come too late to ask how it ended, and is told to try again, when it finds the artifact
    assert all(made.code == 0 or isinstance(made.error, Unavailable) for made in ends)
    assert containers(tmp_path) == []


def test_without_its_relay_no_container_is_made(launch, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRAINSHED_MLFLOW_URI", "http://127.0.0.1:5000")
    error = started(launch("exit:0")).ended().error
    assert isinstance(error, Unavailable)
    place = tmp_path / "relay" / "sockets" / "5000"
    assert str(error) == (
        f"the relay does not run: nothing listens on {place}, by which containers reach 127.0.0.1:5000; "
        "fix: run `trainshed up` with TRAINSHED_LAUNCHER=docker"
    )
    assert containers(tmp_path) == []


def test_no_such_image_is_bad_input(launch, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRAINSHED_IMAGES", "trainshed-test/nosuch-{stage}:1")
    error = started(launch("exit:0")).ended().error
    assert isinstance(error, BadInput)
    assert str(error) == ("image trainshed-test/nosuch-sleeper:1 not found; fix: run `make images`, or correct TRAINSHED_IMAGES")
    assert containers(tmp_path) == []


def test_a_gpu_where_there_is_none_is_bad_input_and_leaves_nothing(launch, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRAINSHED_DEVICE", "cuda")
    made = launch("exit:0")
    made.attempt = made.attempt._replace(resources="gpu-1")
    error = started(made).ended().error
    assert isinstance(error, BadInput)
    assert "TRAINSHED_DEVICE=cpu" in str(error)
    assert containers(tmp_path) == []


def test_an_engine_that_is_away_is_unavailable(launch, tmp_path, monkeypatch) -> None:
    # docker's client leaves a Unix socket open that refuses it
    monkeypatch.setenv("TRAINSHED_DOCKER_URL", f"tcp://127.0.0.1:{free_port()}")
    error = started(launch("exit:0")).ended().error
    assert isinstance(error, Unavailable)
    assert "\n" not in str(error)
