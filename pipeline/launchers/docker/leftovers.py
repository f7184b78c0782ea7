"""Containers that an attempt finds beside its own: of an outdated plan of its run, and of other runs.

A retry after a redeployment has another fingerprint, and so another container name: the container of the earlier attempt would run on,
unfollowed, and compete with the new one for the machine. It is found by its labels and stopped. An ended container of another run is
removed only if its task is over: otherwise that task's next attempt still reads its exit code.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from pipeline.errors import Unavailable
from pipeline.launchers.docker.render import DAG, DAG_RUN, FINGERPRINT, GRACE_S, MAP_INDEX, RECIPE, RUN, STATE, STEP, TASK, labels
from pipeline.launchers.reattach import is_over, task_key
from pipeline.operators.launch import TaskKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.launchers.docker.engine import Engine
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

log = logging.getLogger(__name__)

KILL_S = 30
"""How long the engine may take after the grace to kill a container, in seconds."""


def stop_outdated(engine: Engine, request: Request, context: Any, settings: Settings, pause: Callable[[], None]) -> None:  # noqa: ANN401
    """Stop and remove containers of the same run and step that work on another fingerprint; returns once they have ended.

    Args:
        engine: where they are.
        request: of this attempt.
        context: of its Airflow task.
        settings: of the task.
        pause: waits between two looks; raises when the task has to end.

    Raises:
        Unavailable: one does not end.
    """
    own = labels(request, task_key(context), settings)
    for found in engine.with_labels({name: own[name] for name in (STATE, RUN, STEP)}):
        if found["Labels"][FINGERPRINT] != request.fingerprint:
            log.warning("stopping %s: it works on fingerprint %s of an earlier plan", found["Names"][0], found["Labels"][FINGERPRINT][:12])
            _stop(engine, found["Id"], pause)
            engine.remove(found["Id"])


def _stop(engine: Engine, container: str, pause: Callable[[], None]) -> None:
    until = time.monotonic() + GRACE_S + KILL_S
    asked = False
    while (found := engine.find(container)) and found["State"]["Running"]:
        if not asked:
            engine.stop(container, GRACE_S)
            asked = True
        if time.monotonic() > until:
            raise Unavailable(f"container {found['Name']} of an earlier plan does not end", fix="remove it by hand: `docker rm -f`")
        pause()


def remove_abandoned(engine: Engine, request: Request, context: Any, settings: Settings) -> None:  # noqa: ANN401 - Airflow's context
    """Remove ended containers of the DAG's other runs whose task is over."""
    own = labels(request, task_key(context), settings)
    for found in engine.with_labels({name: own[name] for name in (STATE, RECIPE, DAG)}):
        known = found["Labels"]
        if known[RUN] == request.run or found["State"] != "exited":
            continue
        if is_over(context, TaskKey(known[DAG], known[DAG_RUN], known[TASK], int(known[MAP_INDEX]))):
            engine.remove(found["Id"])
