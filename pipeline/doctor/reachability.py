"""Whether containers and pods can reach the store and MLflow, as far as addresses alone show.

In a container 127.0.0.1 is the container itself, and the folders of this machine do not exist.
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
"""Variable of a container: the server at that address, and the setting that corrects it."""


def check_addresses(settings: Settings, *, own_loopback: bool) -> Iterator[Finding]:
    """Check the addresses that components get.

    Args:
        settings: those of this machine.
        own_loopback: whether 127.0.0.1 in a container is the container itself.
    """
    if settings.store.startswith("file:"):
        got = f"the store is a folder of this machine ({settings.store}), which containers cannot read"
        yield Finding("error", got, fix="set TRAINSHED_STORE to s3://bucket")
    public = component_variables(settings).public
    for variable, (server, setting) in SERVERS.items():
        address = public.get(variable, "")
        if own_loopback and urlsplit(address).hostname in LOOPBACK:
            got = f"containers would look for {server} at {address}, which is the container itself"
            yield Finding("error", got, "", f"set {setting} to the server's address as they see it")
