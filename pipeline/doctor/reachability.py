"""Whether containers and pods can reach what they are told to, as far as addresses alone say.

What is 127.0.0.1 here is the container itself there, and a folder of this machine is nothing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pipeline.artifacts.s3_client import LOOPBACK
from pipeline.doctor.base import Finding
from pipeline.placement.container_environment import component_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

SERVERS: Final[dict[str, tuple[str, str]]] = {
    "TRAINSHED_S3_ENDPOINT": ("S3", "TRAINSHED_CONTAINER_S3_ENDPOINT"),
    "TRAINSHED_MLFLOW_URI": ("MLflow", "TRAINSHED_CONTAINER_MLFLOW_URI"),
}
"""Variable of a container to what it leads to, and the setting that corrects it."""


def check_reach(settings: Settings, *, own_loopback: bool) -> Iterator[Finding]:
    """Look at the addresses that components are handed.

    Args:
        settings: those of this machine.
        own_loopback: whether 127.0.0.1 inside is another than here.
    """
    if settings.store.startswith("file:"):
        got = f"the store is a folder of this machine ({settings.store}), which containers do not see"
        yield Finding("wrong", got, "a store that can be reached from everywhere", "set TRAINSHED_STORE to s3://bucket")
    public = component_variables(settings).public
    for variable, (server, setting) in SERVERS.items():
        address = public.get(variable, "")
        if own_loopback and urlsplit(address).hostname in LOOPBACK:
            got = f"containers would look for {server} at {address}, which is inside of each of them"
            yield Finding("wrong", got, "an address they reach", f"set {setting} to the server's address as they see it")
