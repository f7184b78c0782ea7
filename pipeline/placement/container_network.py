"""Which Docker network a component's container joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pipeline.artifacts.s3_client import LOOPBACK
from pipeline.placement.container_environment import component_variables

if TYPE_CHECKING:
    from pipeline.settings import Settings

HOST_NETWORK: Final = "host"
"""The network of the machine itself: the container's 127.0.0.1 is the machine's."""

BRIDGE: Final = "bridge"
"""Docker's default network: the container has its own 127.0.0.1."""

ADDRESSES = ("TRAINSHED_S3_ENDPOINT", "TRAINSHED_MLFLOW_URI")


def container_network(settings: Settings) -> str:
    """The setting, or else the host's network only where a container must reach a server that listens on 127.0.0.1."""
    if settings.docker_network:
        return settings.docker_network
    public = component_variables(settings).public
    hosts = {urlsplit(public[name]).hostname for name in ADDRESSES if name in public}
    return HOST_NETWORK if hosts & set(LOOPBACK) else BRIDGE
