"""Launcher ``docker``: each component in a container of its own, on the engine that ``TRAINSHED_DOCKER_URL`` names.

It stands on the provider's ``DockerOperator`` for the connection: address, TLS, a log-in to a registry through an Airflow
connection. The provider's own way of running a container is one call that creates, follows and waits; it cannot find a container
again, sets CPU shares where limits are meant, and stops the container on every SIGTERM. So `launch` asks the engine itself:

* the name of the container is the same for every attempt at a step of a run, so a retry follows the one that runs, and takes over
  the exit code of one that has ended meanwhile;
* what a kill by Airflow means is decided by the task's state (`detached`);
* keys are in the container's environment and nowhere else: the operator that is written into the DAG holds none.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout

from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.launchers.docker.container import RECIPE, RUN, STATE, container, container_name, labels
from pipeline.launchers.docker.engine import Engine, away
from pipeline.launchers.reattach import Course, course, state_of_task
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.credentials import task_settings
from pipeline.operators.exit_codes import TryAgain
from pipeline.operators.log_lines import show_line, whole_lines
from pipeline.placement.container_image import image_of
from pipeline.placement.container_network import container_network
from pipeline.placement.machine_sizes import machine
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.line import Step
    from pipeline.operators.launch import Launch
    from pipeline.settings import Settings

POLL_S = 0.2
MADE_WITHIN_S = 30.0
STOP_GRACE_S = 3
"""Airflow ends a task five seconds after it told it to; the container has to be gone, and removed, before."""

SHOWN_AGAIN = 100
"""How many lines are shown of what a container said before this attempt found it."""


class DockerComponentOperator(ComponentMixin, DockerOperator):  # type: ignore[misc]
    """Runs a step in a container."""

    ui_color = "#dbeafe"

    def __init__(self, *, step: Step, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """A task for the step, called like it."""
        settings = load_settings()
        super().__init__(
            task_id=step.id,
            image=image_of(step.component.name, settings),
            docker_url=settings.docker_url,
            docker_conn_id=settings.docker_connection,
            network_mode=container_network(settings),
            mount_tmp_dir=False,
            **options,
        )
        self.take(step)

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - Airflow's context
        """Find the step's container or make one, and follow it to its end."""
        settings = task_settings()
        name = container_name(attempt.request, settings)
        engine = self._engine()
        self._sweep(engine, attempt, settings)
        tail = self._begin(engine, name, attempt, settings)
        try:
            code = self._follow(engine, name, tail, context)
        except AirflowTaskTimeout:
            engine.stop(name, STOP_GRACE_S)
            raise
        engine.remove(name)
        return code

    def _engine(self) -> Engine:
        try:
            return Engine(self.cli, self.docker_url)
        except AirflowException as error:
            raise away(self.docker_url, error) from error

    def _sweep(self, engine: Engine, attempt: Launch, settings: Settings) -> None:
        """Remove what ended in earlier runs of the recipe with nobody following: a DAG has one run at a time, so nobody will."""
        mine = labels(attempt.request, settings)
        for left in engine.ended({name: mine[name] for name in (STATE, RECIPE)}):
            if left["Labels"][RUN] != attempt.request.run:
                engine.remove(left["Id"])

    def _begin(self, engine: Engine, name: str, attempt: Launch, settings: Settings) -> int | None:
        """See that the container runs, or has run; how many lines of what it said already are worth showing.

        A container that has ended is what an earlier attempt left; one of another image than today's was mended since, and does not count.
        """
        image = engine.image(self.image)
        found = engine.find(name)
        if found and found["State"]["Status"] == "exited" and found["Image"] != image.id:
            engine.remove(name)
            found = None
        if found and found["State"]["Status"] != "created":
            state = found["State"]
            self.log.info("re-attached to container %s, %s since %s; its last lines follow", name, state["Status"], state["StartedAt"])
            return SHOWN_AGAIN
        if found is None:
            size = machine(attempt.resources, settings)
            engine.create(name, container(attempt, image, size, engine.host(), settings))
        self.log.info("starting container %s from image %s", name, image.digest)
        self._start(engine, name)
        return None

    def _start(self, engine: Engine, name: str) -> None:
        """Start the container; another attempt may have reserved its name a moment ago, and the engine not have made it yet.

        Raises:
            BadInput: it cannot be started here; it is removed.
            Unavailable: it does not come into being.
        """
        until = time.monotonic() + MADE_WITHIN_S
        try:
            while not engine.start(name):
                if time.monotonic() > until:
                    raise Unavailable(f"Docker does not make container {name}", "an engine that works", "look at the engine's log")
                time.sleep(POLL_S)
        except BadInput:
            engine.remove(name)
            raise

    def _follow(self, engine: Engine, name: str, tail: int | None, context: Any) -> int:  # noqa: ANN401
        """Show what the container says until it ends, and its exit code.

        Raises:
            TryAgain: Airflow ends this attempt, the container goes on.
            Unavailable: the engine is gone.
        """
        told = _LogReader(engine, name, tail)
        stopping = False
        for item in told.items():
            if isinstance(item, TrainshedError):
                raise item
            if isinstance(item, int):
                return item
            if item is not None:
                show_line(self.log, item)
                self.hear(item)
            if stopping:
                continue
            now = course(self.killed, lambda: state_of_task(context))
            if now is Course.DETACH:
                raise TryAgain(f"container {name} goes on; the next attempt re-attaches to it")
            if now is Course.STOP:
                self.log.warning("stopping container %s", name)
                engine.stop(name, STOP_GRACE_S)
                stopping = True
        raise AssertionError  # items() ends with an exit code or an error


class _LogReader:
    """A thread that reads a container's output, so that the task's own thread can look at other things meanwhile."""

    def __init__(self, engine: Engine, name: str, tail: int | None) -> None:
        self._engine, self._name, self._tail = engine, name, tail
        self._queue: queue.Queue[str | int | TrainshedError] = queue.Queue(maxsize=1000)
        threading.Thread(target=self._read, name="output", daemon=True).start()

    def items(self) -> Iterator[str | int | TrainshedError | None]:
        """Lines as they come, None whenever nothing came for a moment; at last the exit code, or what went wrong."""
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
            self._queue.put(Unavailable(f"the output of {self._name} broke off ({type(error).__name__})", "a whole one", "run again"))
            raise
