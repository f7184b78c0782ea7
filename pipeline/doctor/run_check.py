"""Asking one check, whatever happens to it; and the exit code that all of them come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor import CHECKS
from pipeline.doctor.base import finding_of
from pipeline.errors import BadInput, TrainshedError, Unavailable, disk_error
from pipeline.lookup import load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.doctor.base import Check, Finding
    from pipeline.settings import Settings


def examine(name: str, settings: Settings) -> list[Finding]:
    """Ask one check.

    Args:
        name: of the check, from the table.
        settings: those of this machine.

    Raises:
        BadInput: no check has that name.
    """
    check: Check = load("check", CHECKS, name)
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
    """2 when something is wrong, since waiting does not mend it; 75 when only a server is away; 0 otherwise."""
    states = {finding.state for finding in found}
    if "wrong" in states:
        return BadInput.exit_code
    return Unavailable.exit_code if "away" in states else 0
