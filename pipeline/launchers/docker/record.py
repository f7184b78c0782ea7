"""The record of the launcher ``docker``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.launchers.base import LauncherRecord

if TYPE_CHECKING:
    from pipeline.settings import Settings


STARTED = {"s3": "s3_endpoint", "mlflow": "mlflow_uri"}
"""Settings with the addresses of servers that ``trainshed up`` starts, by group."""


def has_remote_engine(settings: Settings) -> bool:
    """Whether the Docker engine is on another machine."""
    return not settings.docker_url.startswith("unix://")


def servers(settings: Settings) -> frozenset[str]:
    """The relay, where a server that containers need listens on 127.0.0.1, as those do that ``trainshed up`` starts."""
    from pipeline.placement.container_network import container_network

    local = {group: field for group, field in STARTED.items() if group not in settings.use_existing}
    known = settings.model_copy(update=dict.fromkeys(local.values(), "http://127.0.0.1"))
    return frozenset({"relay"} if container_network(known).relayed else ())


RECORD = LauncherRecord(
    name="docker",
    summary="each step runs in a container on a Docker engine",
    operator="pipeline.launchers.docker.operator:DockerComponentOperator",
    check="pipeline.doctor.docker:check_docker",
    end_steps="pipeline.launchers.docker.end_steps:end_steps",
    runs_elsewhere=has_remote_engine,
    servers=servers,
)
