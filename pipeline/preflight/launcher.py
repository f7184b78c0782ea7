"""The launcher: its name is known, and what it starts components on is there.

Only the launcher that was chosen is looked into: a machine without Docker or a cluster needs neither their clients nor Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors import unknown_name
from pipeline.lookup import load
from pipeline.orchestration.launchers import LAUNCHERS
from pipeline.preflight.base import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.preflight.base import Check
    from pipeline.settings import Settings

PLACES: Final[dict[str, str]] = {
    "docker": "pipeline.preflight.docker:check_docker",
    "kubernetes": "pipeline.preflight.kubernetes:check_kubernetes",
    "trainjob": "pipeline.preflight.kubernetes:check_kubernetes",
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
