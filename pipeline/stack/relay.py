"""The relay by which containers reach S3 and MLflow of this machine, and nothing else: see `pipeline.relay`.

It is a process of the stack, because containers outlive the Airflow task that started them: a worker, a scheduler or an API server
that is killed costs them nothing. Its folder stays when it stops, and containers that run meanwhile find the new sockets in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.relay.addresses import loopback_addresses
from pipeline.relay.sockets import folder, silent
from pipeline.stack.base import LastingServer
from pipeline.stack.environment import addresses, interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.relay.sockets import Address
    from pipeline.stack.base import StackContext


class Relay(LastingServer):
    """One socket for each server that listens on the loopback."""

    name = "relay"
    group = "relay"
    needs: tuple[str, ...] = ()

    def command(self, context: StackContext) -> list[str]:
        """Return the command of `pipeline.relay.outside`."""
        place = str(folder(context.state))
        return [interpreter(), "-P", "-m", "pipeline.relay.outside", place, *map(str, relayed(context))]

    def environment(self, context: StackContext) -> dict[str, str]:
        """It needs no variable."""
        del context
        return {}

    def files(self, context: StackContext) -> dict[Path, str]:
        """There is no file to write; it makes its folder itself."""
        del context
        return {}

    def address(self, context: StackContext) -> str:
        """Return its folder."""
        return str(folder(context.state))

    def probe(self, context: StackContext, since: float) -> str:
        """Connect to each of its sockets."""
        del since
        missing = silent(folder(context.state), relayed(context))
        return f"nothing listens on the socket for {missing[0]}" if missing else ""


def relayed(context: StackContext) -> tuple[Address, ...]:
    """The loopback addresses that containers are given."""
    settings, local = context.settings, addresses(context)
    s3 = settings.container_s3_endpoint or local.get("TRAINSHED_S3_ENDPOINT") or settings.s3_endpoint
    mlflow = settings.container_mlflow_uri or local.get("TRAINSHED_MLFLOW_URI") or settings.mlflow_uri
    return loopback_addresses(filter(None, (s3, mlflow)))
