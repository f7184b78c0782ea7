"""The errors that people read, and the exit code of each.

The exit code decides whether the scheduler retries a component (75 is EX_TEMPFAIL of ``sysexits.h``):

====  =========================================================  ====================
code  meaning                                                    retried
====  =========================================================  ====================
0     success
1     bug: any exception that is not one of the errors below     no
2     bad input or configuration                                 no
75    preempted, or a dependency is temporarily unavailable      yes, a limited number
130   interrupted with Ctrl-C (command line only)                no
====  =========================================================  ====================

Every message is one line: what was found; what was expected; ``fix:`` and what to do. The last two parts are optional.
"""

from __future__ import annotations

import errno
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TrainshedError(Exception):
    """Base class. ``str(error)`` is the line that is printed."""

    exit_code = 1

    def __init__(self, got: str, expected: str = "", fix: str = "") -> None:
        """Keep the three parts, so that a log can show them as fields.

        Args:
            got: what was found: the object, the value, the file.
            expected: what is valid; empty where ``got`` makes it obvious.
            fix: an instruction, with a command where one exists.
        """
        super().__init__(got, expected, fix)
        self.got, self.expected, self.fix = (" ".join(part.split()) for part in (got, expected, fix))

    def __str__(self) -> str:
        """Join the parts that are not empty into one line."""
        parts = [self.got]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return "; ".join(parts)


def in_field(error: TrainshedError, field: str) -> TrainshedError:
    """An error about ``data.source`` or ``model.start`` as one about another source or model of the recipe.

    Args:
        error: of reading or pinning a source.
        field: where the recipe has the source.
    """
    return type(error)(
        *(part.replace("data.source", field).replace("model.start", field) for part in (error.got, error.expected, error.fix))
    )


class BadInput(TrainshedError):
    """The request, recipe, data or configuration is wrong; a retry would fail in the same way."""

    exit_code = 2


class Unavailable(TrainshedError):
    """A dependency is temporarily unavailable (a server, a lease, disk space); a retry may succeed."""

    exit_code = 75


class Preempted(Unavailable):
    """The step was asked to stop and wrote a checkpoint; the next attempt resumes from it."""


class Killed(Unavailable):
    """A signal killed the process of a step, e.g. because memory was short."""


class Outdated(Unavailable):
    """What a run was planned with has changed since. A new plan of the run is needed; a retry would end the same way."""

    replans = 3
    """How often a run is planned again at most: what changes faster than a run, or damage that comes back, must end some time."""


class SourceChanged(Outdated):
    """The source was written to between the plan and the end of reading. The run is planned again once; then it is bad input."""

    exit_code = 2
    replans = 1


class Damaged(Outdated):
    """Stored bytes are missing or corrupt. An artifact has been quarantined, and a new plan rebuilds it; a ledger entry has to be restored."""


class Interrupted(TrainshedError):
    """A person pressed Ctrl-C."""

    exit_code = 130


def disk_error(error: OSError) -> TrainshedError | None:
    """Translate a full disk or a missing permission into one of our errors.

    Returns:
        `Unavailable` for a full disk or quota, `BadInput` for a missing permission, None for any other error.
    """
    place = f": {error.filename}" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable(f"disk full{place}", "", "free disk space, or set TRAINSHED_STATE to a folder on another disk")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        refusal = (error.strerror or "permission denied").lower()
        return BadInput(f"{refusal}{place}", "", "choose a folder you can write to, or set TRAINSHED_STATE to one")
    return None


MANY_NAMES = 60
"""Names that a message lists; of more it shows the nearest ones."""


def unknown_name(kind: str, name: str, available: Iterable[str]) -> BadInput:
    """Build the error for a name that does not exist; it suggests the most similar name that does.

    Args:
        kind: what was looked up, e.g. ``"launcher"``.
        name: the unknown name.
        available: the names that exist.
    """
    names = sorted(available)
    by_lower_case = {known.lower(): known for known in names}
    near = [by_lower_case[found] for found in get_close_matches(name.lower(), by_lower_case, n=1)]
    hint = f"did you mean {near[0]!r}?" if near else "use one of these names"
    if len(names) > MANY_NAMES:
        first = ", ".join(get_close_matches(name.lower(), names, n=5, cutoff=0.0))
        return BadInput(f"unknown {kind} {name!r}", f"one of {len(names)} names, e.g. {first}", hint if near else "correct the name")
    if not names:
        return BadInput(f"unknown {kind} {name!r}; there is no {kind} yet")
    return BadInput(f"unknown {kind} {name!r}", f"one of: {', '.join(names)}", hint)
