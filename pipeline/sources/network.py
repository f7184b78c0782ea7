"""Refuse to ask a server from a container that has no network: no retry would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.settings import Settings

NO_NETWORK = "none"


def check_network(what: str, settings: Settings) -> None:
    """Check that this process may reach other servers than S3 and MLflow.

    Args:
        what: would be asked, for the message.
        settings: know the network of this container.

    Raises:
        BadInput: it runs in a container without a network.
    """
    if settings.container_network == NO_NETWORK:
        raise BadInput(
            f"{what} is behind a network, and this container reaches only S3 and MLflow",
            "",
            "set TRAINSHED_DOCKER_NETWORK=bridge and run `trainshed up`, or bring the data to S3",
        )
