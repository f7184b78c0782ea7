"""Refuse to fetch weights from the internet in a container that has no network: no retry would help.

Planning does not refuse them: weights that were imported before are not fetched again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.starts.base import FIELD

if TYPE_CHECKING:
    from pipeline.settings import Settings

NO_NETWORK = "none"


def check_internet(address: str, settings: Settings) -> None:
    """Check that this process may reach the internet.

    Raises:
        BadInput: it runs in a container without a network.
    """
    if settings.container_network == NO_NETWORK:
        raise BadInput(
            f"{FIELD}: {address} is fetched from the internet, and this container reaches only S3 and MLflow",
            "",
            "set TRAINSHED_DOCKER_NETWORK=bridge and run `trainshed up`, or copy the files to S3 and name their s3:// prefix in model.start",
        )
