"""Containers of components: they outlive the task that follows them, so `down` has to end them itself.

They are found by the label that the launcher ``docker`` gives them, the state folder of the stack they belong to. They are told to
checkpoint while S3 still serves, and removed: the next attempt at their step makes a new one that goes on from there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.launchers.docker.container import STATE

if TYPE_CHECKING:
    from docker import APIClient

    from pipeline.settings import Settings

GRACE_S = 30


def end_steps(settings: Settings) -> int:
    """End and remove every container of this state folder's stack.

    Returns:
        How many there were.

    Raises:
        Unavailable: the engine does not answer, so nobody knows whether there are any.
    """
    from docker import APIClient
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    label = f"{STATE}={settings.state.resolve()}"
    try:
        client = APIClient(base_url=settings.docker_url, version="auto", timeout=GRACE_S + 30)
        found = [one["Id"] for one in client.containers(all=True, filters={"label": [label]})]
        with ThreadPoolExecutor(max(len(found), 1)) as pool:
            list(pool.map(lambda container: _end(client, container), found))
    except (DockerException, RequestException) as error:
        raise Unavailable(
            f"Docker at {settings.docker_url} does not answer ({type(error).__name__}): there may be containers of this stack",
            "a running engine",
            "start it and run `trainshed down` again",
        ) from error
    return len(found)


def _end(client: APIClient, container: str) -> None:
    """Stop one container and remove it; one that a task removes meanwhile is as good."""
    from docker.errors import NotFound

    try:
        client.stop(container, timeout=GRACE_S)
        client.remove_container(container, v=True, force=True)
    except NotFound:
        return
