"""Check the relay before a container is made that would be cut off without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.placement.container_network import container_network
from pipeline.relay.sockets import folder, silent

if TYPE_CHECKING:
    from pipeline.settings import Settings


def check_relay(settings: Settings) -> None:
    """Check that the relay listens for every server that containers reach by it.

    Raises:
        Unavailable: it does not run.
    """
    place = folder(settings.state)
    missing = silent(place, container_network(settings).relayed)
    if missing:
        raise Unavailable(
            f"the relay does not run: nothing listens on {place / missing[0].file}, by which containers reach {missing[0]}",
            "",
            "run `trainshed up` with TRAINSHED_LAUNCHER=docker",
        )
