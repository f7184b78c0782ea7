"""End the containers of a stack: they outlive the tasks that follow them, so ``trainshed down`` ends them.

A label holds the state folder of the stack that a container belongs to. Each gets SIGTERM while S3 still serves, so that it can
checkpoint, and is removed: the next attempt of its step starts a new container that resumes from the checkpoint.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.launchers.docker.render import STATE

if TYPE_CHECKING:
    from docker import APIClient

    from pipeline.settings import Settings

GRACE_S = 30
"""Time for a checkpoint between SIGTERM and SIGKILL, in seconds."""


def end_steps(settings: Settings) -> int:
    """End and remove every container of this state folder's stack.

    Returns:
        How many containers there were.

    Raises:
        Unavailable: the engine does not answer, so it is unknown whether there are any.
    """
    from docker import APIClient
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    label = f"{STATE}={settings.state.resolve()}"
    try:
        with closing(APIClient(base_url=settings.docker_url, version="auto", timeout=GRACE_S + 30)) as client:
            found = [one["Id"] for one in client.containers(all=True, filters={"label": [label]})]
            with ThreadPoolExecutor(max(len(found), 1)) as pool:
                list(pool.map(lambda container: _end(client, container), found))
    except (DockerException, RequestException) as error:
        raise Unavailable(
            f"Docker at {settings.docker_url} does not answer ({type(error).__name__}): containers of this stack may still run",
            fix="start the engine and run `trainshed down` again",
        ) from error
    return len(found)


def _end(client: APIClient, container: str) -> None:
    """Stop one container and remove it, unless a task has removed it meanwhile."""
    from docker.errors import NotFound

    try:
        client.stop(container, timeout=GRACE_S)
        client.remove_container(container, v=True, force=True)
    except NotFound:
        return
