"""Run one check, whatever it raises; and the exit code for all findings together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor import CHECKS
from pipeline.doctor.base import finding_of
from pipeline.errors import BadInput, TrainshedError, Unavailable, disk_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.doctor.base import Check, Finding
    from pipeline.settings import Settings


def run_check(name: str, settings: Settings) -> list[Finding]:
    """Run one check.

    Args:
        name: of the check, from the table.
        settings: those of this machine.

    Raises:
        BadInput: no check has that name.
    """
    check: Check = CHECKS.load(name)
    found: list[Finding] = []
    try:
        found.extend(check(settings))  # keeps what came before an error
    except TrainshedError as error:
        found.append(finding_of(error))
    except OSError as error:
        refused = disk_error(error)
        if refused is None:
            raise
        found.append(finding_of(refused))
    return found


def exit_code(found: Iterable[Finding]) -> int:
    """2 if there is an error, because waiting does not fix it; 75 if servers are only unreachable; 0 otherwise."""
    states = {finding.state for finding in found}
    if "error" in states:
        return BadInput.exit_code
    return Unavailable.exit_code if "unreachable" in states else 0
