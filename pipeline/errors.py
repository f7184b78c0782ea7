"""The errors a person meets, each with the exit code that tells the scheduler what to do about it.

A component ends with one of four codes (2 and 75 follow ``sysexits.h``'s spirit: 75 is its EX_TEMPFAIL):

====  ==========================================================  ==============
code  meaning                                                     retried
====  ==========================================================  ==============
0     done
1     a bug: anything that is not one of the errors below         never
2     bad input or configuration                                  never
75    preempted, or something needed is away for a while          yes, bounded
130   interrupted by a person (command line only)                 never
====  ==========================================================  ==============

Every message is one line in three parts: what was got, what was expected, what to do.
"""

from __future__ import annotations

import errno
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TrainshedError(Exception):
    """Base of all our errors. ``str(error)`` is the one line a person reads."""

    exit_code = 1

    def __init__(self, got: str, expected: str = "", fix: str = "") -> None:
        """Keep the three parts apart so that a log can show them as fields.

        Args:
            got: what was found, in the user's words.
            expected: what should have been found.
            fix: what the reader can do now.
        """
        super().__init__(got, expected, fix)
        self.got, self.expected, self.fix = (" ".join(part.split()) for part in (got, expected, fix))

    def __str__(self) -> str:
        """Join the parts that were given into one line."""
        parts = [self.got]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return "; ".join(parts)


class BadInput(TrainshedError):
    """The request, recipe, data or configuration is wrong: trying again would end the same way."""

    exit_code = 2


class Unavailable(TrainshedError):
    """Something needed is away for a while (a server, a lease, disk space): trying again later may work."""

    exit_code = 75


class Preempted(Unavailable):
    """The step was told to stop and has checkpointed: the next attempt goes on from there."""


class Damaged(Unavailable):
    """Stored bytes were missing or wrong. The artifact is quarantined already; planning anew rebuilds it."""


class Interrupted(TrainshedError):
    """A person pressed Ctrl-C."""

    exit_code = 130


def refused_by_disk(error: OSError) -> TrainshedError | None:
    """What a disk's refusal to be written to stands for: no room may come again, no right is a mistake.

    Returns:
        None when the error is about something else.
    """
    place = f": {error.filename}" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable(f"disk full{place}", "room for the files of a run", "free some space, or set TRAINSHED_STATE to another disk")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return BadInput(f"no access{place}: {error.strerror}", "a place of yours", "name another, or set TRAINSHED_STATE to another folder")
    return None


def unknown_name(kind: str, name: str, available: Iterable[str]) -> BadInput:
    """Answer a wrong name with the near one.

    Args:
        kind: what was looked up, e.g. ``"launcher"``.
        name: the name that is not there.
        available: the names that are.
    """
    names = sorted(available)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "use one of those"
    if not names:
        return BadInput(f"unknown {kind} {name!r}", f"one that exists; there is no {kind} yet")
    return BadInput(f"unknown {kind} {name!r}", f"one of: {', '.join(names)}", hint)
