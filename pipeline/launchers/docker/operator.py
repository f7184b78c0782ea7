"""Launcher ``docker``: each component runs in its own container, on the engine that ``TRAINSHED_DOCKER_URL`` names.

The provider's ``DockerOperator`` brings the connection: address, TLS, and the login to a registry through an Airflow connection. It runs
a container by one call that creates, follows and waits; it cannot find a container again, sets CPU shares instead of limits, and stops
the container on every SIGTERM. So `launch` calls the engine itself:

* all attempts at a step of a run use the same container name, so a retry follows the running container, or takes over the exit code
  of one that has ended meanwhile;
* the task's state decides what a kill by Airflow means (`pipeline.launchers.reattach`);
* a container that is stopped has two minutes to checkpoint: the engine sends SIGKILL then, also when the task has ended long before;
* keys are only in the container's environment: the operator that is serialized into the DAG has none.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout

from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.launchers.docker.engine import Engine, unreachable
from pipeline.launchers.docker.leftovers import remove_abandoned, stop_outdated
from pipeline.launchers.docker.relay import check_relay
from pipeline.launchers.docker.render import GRACE_S, container_name, render_container
from pipeline.launchers.reattach import Action, next_action, task_key, task_state
from pipeline.machine_sizes import machine
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.credentials import task_settings
from pipeline.operators.exit_codes import TryAgain
from pipeline.operators.log_lines import show_line, whole_lines
from pipeline.placement.container_image import image_of
from pipeline.placement.container_network import container_network
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.lines import Step
    from pipeline.operators.launch import Launch
    from pipeline.settings import Settings

POLL_S = 0.2
CREATE_TIMEOUT_S = 30.0
"""How long the engine may take to create a container whose name another attempt has reserved."""

FOLLOW_STOPPING_S = 2.0
"""How long this attempt follows a container that it stopped: Airflow kills the task five seconds after SIGTERM. The engine waits longer."""

REATTACHED_LINES = 100
"""How many of a container's earlier lines an attempt shows when it re-attaches."""


class DockerComponentOperator(ComponentMixin, DockerOperator):  # type: ignore[misc]
    """Runs a step in a container."""

    ui_color = "#dbeafe"

    def __init__(self, *, step: Step, ask: int | None = None, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task; its id is the step's, unless ``task_id`` names another. ``ask`` as of `set_step`."""
        settings = load_settings()
        super().__init__(
            task_id=options.pop("task_id", step.id),
            image=image_of(step.component.image_with(step.params.model_dump(mode="json")), settings),
            docker_url=settings.docker_url,
            docker_conn_id=settings.docker_connection,
            network_mode=container_network(settings).mode,
            mount_tmp_dir=False,
            **options,
        )
        self.set_step(step, ask)

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - Airflow's context
        """Find the step's container or create one, and follow it to its end."""
        with closing(self._engine()) as engine:
            return self._run(engine, attempt, context, task_settings())

    def _run(self, engine: Engine, attempt: Launch, context: Any, settings: Settings) -> int:  # noqa: ANN401
        name = container_name(attempt.request, settings)
        remove_abandoned(engine, attempt.request, context, settings)
        stop_outdated(engine, attempt.request, context, settings, lambda: self._pause(context))
        tail = self._create_or_reattach(engine, name, attempt, context, settings)
        try:
            code = self._follow(engine, name, tail, context)
        except AirflowTaskTimeout:
            engine.stop(name, GRACE_S)
            raise
        engine.remove(name)
        return code

    def _engine(self) -> Engine:
        try:
            return Engine(self.cli, self.docker_url)
        except AirflowException as error:
            raise unreachable(self.docker_url, error) from error

    def _create_or_reattach(self, engine: Engine, name: str, attempt: Launch, context: Any, settings: Settings) -> int | None:  # noqa: ANN401
        """Create and start the container, or find that of an earlier attempt; returns how many of its earlier lines to show (None: all).

        A container that has ended was left by an earlier attempt. If it ran another image than today's, it is removed and does not count.
        """
        image = engine.image(self.image)
        found = engine.find(name)
        if found and found["State"]["Status"] == "exited" and found["Image"] != image.id:
            engine.remove(name)
            found = None
        if found and found["State"]["Status"] != "created":
            state = found["State"]
            self.log.info("re-attached to container %s, %s since %s; its last lines follow", name, state["Status"], state["StartedAt"])
            return REATTACHED_LINES
        if found is None:
            check_relay(settings)
            size = machine(attempt.resources, settings)
            engine.create(name, render_container(attempt, task_key(context), image, size, engine.host(), settings))
        self.log.info("starting container %s from image %s", name, image.digest)
        self._start(engine, name)
        return None

    def _start(self, engine: Engine, name: str) -> None:
        """Start the container; another attempt may have reserved its name while the engine has not created it yet.

        Raises:
            BadInput: it cannot start here; it is removed.
            Unavailable: the engine does not create it in time.
        """
        until = time.monotonic() + CREATE_TIMEOUT_S
        try:
            while not engine.start(name):
                if time.monotonic() > until:
                    raise Unavailable(
                        f"Docker did not create container {name} within {CREATE_TIMEOUT_S:.0f} s", fix="read the engine's log"
                    )
                time.sleep(POLL_S)
        except BadInput:
            engine.remove(name)
            raise

    def _follow(self, engine: Engine, name: str, tail: int | None, context: Any) -> int:  # noqa: ANN401
        """Log the container's output until it ends; returns its exit code.

        Raises:
            TryAgain: Airflow ends this attempt; the container runs on, or has its grace to checkpoint.
            Unavailable: the engine is unreachable.
        """
        reader = _LogReader(engine, name, tail)
        follow_until: float | None = None
        for item in reader.items():
            if isinstance(item, TrainshedError):
                raise item
            if isinstance(item, int):
                return item
            if item is not None:
                show_line(self.log, item)
                self.note_error(item)
            if follow_until is not None:
                if time.monotonic() > follow_until:
                    raise TryAgain(f"container {name} is stopping: it has {GRACE_S} s to checkpoint and end")
                continue
            action = next_action(self.killed, lambda: task_state(context))
            if action is Action.DETACH:
                raise TryAgain(f"detached from container {name}, which runs on; the next attempt re-attaches")
            if action is Action.STOP:
                self.log.warning("stopping container %s: it has %d s to checkpoint and end", name, GRACE_S)
                engine.stop(name, GRACE_S)
                follow_until = time.monotonic() + FOLLOW_STOPPING_S
        raise AssertionError  # items() ends with an exit code or an error

    def _pause(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Wait for `POLL_S`.

        Raises:
            TryAgain: Airflow ends this attempt, which has no container yet.
        """
        if next_action(self.killed, lambda: task_state(context)) is not Action.CONTINUE:
            raise TryAgain("Airflow ended this attempt before its container was created")
        time.sleep(POLL_S)


class _LogReader:
    """Reads a container's output in a thread, so that the task's thread can check for a kill meanwhile."""

    def __init__(self, engine: Engine, name: str, tail: int | None) -> None:
        self._engine, self._name, self._tail = engine, name, tail
        self._queue: queue.Queue[str | int | TrainshedError] = queue.Queue(maxsize=1000)
        threading.Thread(target=self._read, name="output", daemon=True).start()

    def items(self) -> Iterator[str | int | TrainshedError | None]:
        """Lines as they are written, None while there are none, and finally the exit code or the error."""
        while True:
            try:
                yield self._queue.get(timeout=POLL_S)
            except queue.Empty:
                yield None

    def _read(self) -> None:
        try:
            for line in whole_lines(self._engine.output(self._name, self._tail)):
                self._queue.put(line)
            self._queue.put(self._engine.exit_code(self._name))
        except TrainshedError as error:
            self._queue.put(error)
        except Exception as error:
            self._queue.put(Unavailable(f"lost the output of container {self._name} ({type(error).__name__})", fix="run again"))
            raise
        finally:
            # an attempt that detached does not wait for this thread, which then holds the last connection
            self._engine.close()
