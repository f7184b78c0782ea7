"""The record of the launcher ``docker``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.launchers.base import LauncherRecord

if TYPE_CHECKING:
    from pipeline.settings import Settings


def has_remote_engine(settings: Settings) -> bool:
    """Whether the Docker engine is on another machine."""
    return not settings.docker_url.startswith("unix://")


RECORD = LauncherRecord(
    name="docker",
    summary="each step runs in a container on a Docker engine",
    operator="pipeline.launchers.docker.operator:DockerComponentOperator",
    check="pipeline.doctor.docker:check_docker",
    end_steps="pipeline.launchers.docker.end_steps:end_steps",
    runs_elsewhere=has_remote_engine,
)
