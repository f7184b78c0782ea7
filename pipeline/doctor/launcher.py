"""The launcher: its name is known, and what it starts components on is there.

Only the launcher that was chosen is looked into: a machine without Docker or a cluster needs neither their clients nor Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.doctor.base import Finding
from pipeline.errors import unknown_name
from pipeline.launchers import LAUNCHERS
from pipeline.lookup import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.doctor.base import Check
    from pipeline.settings import Settings

PLACES: Final[dict[str, str]] = {
    "docker": "pipeline.doctor.docker:check_docker",
    "kubernetes": "pipeline.doctor.cluster.kubernetes:check_kubernetes",
    "trainjob": "pipeline.doctor.cluster.kubernetes:check_kubernetes",
}
"""What to ask of launchers that need more than this machine's Python."""


def check_launcher(settings: Settings) -> Iterator[Finding]:
    """Look into the launcher that was chosen."""
    name = settings.launcher
    if name not in LAUNCHERS:
        raise unknown_name("launcher", name, LAUNCHERS)
    if name not in PLACES:
        yield Finding("ok", f"{name}: steps run as processes beside Airflow")
        return
    check: Check = load("check of launcher", PLACES, name)
    yield from check(settings)
