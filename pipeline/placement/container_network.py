"""Which Docker network a component's container joins, and which servers it reaches by a relay.

A server that listens on 127.0.0.1 is reached through a socket of `pipeline.relay`, so the container needs no network for it. Where all
servers are such, it gets none: it reaches S3's gateway and MLflow, and neither Airflow, other containers nor the internet.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.placement.container_environment import component_variables
from pipeline.relay.addresses import loopback_addresses

if TYPE_CHECKING:
    from pipeline.relay.sockets import Address
    from pipeline.settings import Settings

HOST_NETWORK: Final = "host"
"""The network of the machine itself: the container's 127.0.0.1 is the machine's."""

BRIDGE: Final = "bridge"
"""Docker's default network: the container reaches other machines and other containers."""

NO_NETWORK: Final = "none"
"""The container has a loopback of its own, and nothing else."""

ADDRESSES = ("TRAINSHED_S3_ENDPOINT", "TRAINSHED_MLFLOW_URI")


class Network(NamedTuple):
    """How a container reaches its servers."""

    mode: str
    """Name of a Docker network."""

    relayed: tuple[Address, ...]
    """Addresses of this machine's loopback that the container reaches by the relay."""


def container_network(settings: Settings) -> Network:
    """The network of the setting, or the least that reaches S3 and MLflow; a relay to those that listen on 127.0.0.1.

    An endpoint that is not set is AWS.
    """
    public = component_variables(settings).public
    if settings.docker_network == HOST_NETWORK or not shares_sockets(settings):
        return Network(settings.docker_network or BRIDGE, ())
    urls = [public[name] for name in ADDRESSES if name in public]
    alone = len(urls) == len(ADDRESSES) and all(loopback_addresses([url]) for url in urls)
    return Network(settings.docker_network or (NO_NETWORK if alone else BRIDGE), loopback_addresses(urls))


def shares_sockets(settings: Settings) -> bool:
    """Whether a Unix socket of this machine can be mounted: the engine runs on the same kernel."""
    return sys.platform == "linux" and settings.docker_url.startswith("unix://")
