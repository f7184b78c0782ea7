"""Runs one action again and again, with a fault at each of its requests, and checks what is left each time.

The action runs undisturbed first: that counts its requests and says how the end should look. Then, for each kind of fault and each
request it applies to, the action starts from the same state and meets that one fault. If it ends with an error that a
scheduler retries (exit code 75), it runs again. At the end everything has to be as after the undisturbed run.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from faults.kinds import KINDS

from pipeline.errors import Outdated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faults.messages import Message
    from faults.proxy import Proxy

MOST = int(os.environ.get("SWEEP_FAULTS", "0"))
"""Most faults at one request; the kinds change from one request to the next. 0 for every kind at every request."""

ATTEMPTS = 4
"""How often a scheduler starts a step: one fault may cost one attempt, and the next one may wait for its lease."""


class Case(Protocol):
    """An action and the state it starts from, which nothing else uses."""

    def run(self) -> None:
        """One attempt, through the proxy.

        Raises:
            Unavailable: a scheduler would try again.
        """

    def state(self) -> object:
        """How things are now, read past the proxy, in a form that equals that of another case.

        Raises:
            AssertionError: something is lost, wrong or there twice.
        """


@dataclass
class Sweep:
    """What was tried, and what was found."""

    action: str
    requests: int = 0
    """Requests of the undisturbed action."""

    reached: set[int] = field(default_factory=set)
    """Which requests of the action met a fault, by their place in the order."""

    faults: int = 0
    """Faults that happened, each in a run of its own."""

    missed: int = 0
    """Faults that were planned for a request that did not come."""

    retries: int = 0
    """Attempts beyond the first."""

    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line, and one for each violation."""
        counts = f"{len(self.reached)} of {self.requests} requests, {self.faults} faults, {self.missed} missed, {self.retries} retries"
        return "\n  ".join([f"{self.action}: {counts}, {len(self.violations)} violations", *self.violations])


class Action:
    """An action, the way to the server that fails, and what happens without a fault."""

    def __init__(self, name: str, proxy: Proxy, fresh: Callable[[], Case]) -> None:
        """Nothing runs yet.

        Args:
            name: what it is called.
            proxy: the way to the server that fails.
            fresh: makes a case; each starts from the same state.
        """
        self.name, self.proxy, self.fresh = name, proxy, fresh

    @cached_property
    def undisturbed(self) -> tuple[list[Message], object]:
        """The requests of an undisturbed run, and the state at its end."""
        case = self.fresh()
        self.proxy.reset()
        case.run()
        requests = list(self.proxy.requests)
        return requests, case.state()

    def count(self, kind: str) -> int:
        """To how many of its requests a kind of fault applies."""
        return sum(map(KINDS[kind].applies, self.undisturbed[0]))

    def faults(self, kinds: Sequence[str], most: int) -> Iterator[tuple[str, int]]:
        """Each request in turn with the kinds of fault that apply to it: all of them, or ``most``, other ones than at the request before.

        Yields:
            A kind, and which of the requests it applies to is meant, counted from 1.
        """
        met: Counter[str] = Counter()
        for place, request in enumerate(self.undisturbed[0]):
            possible = [kind for kind in kinds if KINDS[kind].applies(request)]
            met.update(possible)
            count = min(most or len(possible), len(possible))
            for step in range(count):
                kind = possible[(place * count + step) % len(possible)]
                yield kind, met[kind]


def each_request(action: Action, kinds: Sequence[str]) -> Sweep:
    """Try every kind of fault at every request of an action, or `MOST` of them at each.

    Args:
        action: what runs.
        kinds: names of `faults.kinds.KINDS`.
    """
    sweep = Sweep(action.name, len(action.undisturbed[0]))
    for kind, number in list(action.faults(kinds, MOST)):
        _try(sweep, action, kind, number)
    return sweep


def one_request(action: Action, kind: str) -> Sweep:
    """Try one kind of fault at one request; the names decide which, so that the kinds spread over the action."""
    sweep = Sweep(action.name, len(action.undisturbed[0]))
    assert action.count(kind), f"{action.name} has no request to which {kind!r} applies"
    _try(sweep, action, kind, 1 + zlib.crc32(f"{action.name} {kind}".encode()) % action.count(kind))
    return sweep


def _try(sweep: Sweep, action: Action, kind: str, number: int) -> None:
    proxy, case, expected = action.proxy, action.fresh(), action.undisturbed[1]
    script = proxy.at(number, kind)
    problem = _retried(sweep, proxy, case)
    where = f"{kind} at request {number} of {sweep.action}"
    if script.fired:
        sweep.faults += 1
        sweep.reached.add(_place(proxy, kind))
        where += f" ({next((seen for seen in proxy.seen if seen.endswith(kind)), '')} {_disturbed(proxy, kind)})"
    else:
        sweep.missed += 1
    proxy.reset()
    try:
        found = case.state()
    except AssertionError as error:
        problem = problem or f"broken: {error}"
    else:
        if not problem and found != expected:
            problem = f"other state: {_difference(found, expected)}"
    if problem:
        sweep.violations.append(f"{where}: {problem}")


def _retried(sweep: Sweep, proxy: Proxy, case: Case) -> str:
    """Run the case as a scheduler does; what went wrong, or nothing."""
    last = ""
    for attempt in range(ATTEMPTS):
        sweep.retries += attempt > 0
        proxy.gone = False
        proxy.wait_until_up()
        try:
            case.run()
        except Outdated as error:
            return f"takes it for damage or a change: {error}"
        except Unavailable as error:
            last = str(error)
        except Exception as error:  # noqa: BLE001 - any other end is what is searched for
            return f"{type(error).__name__}: {error}"
        else:
            return ""
    return f"does not end in {ATTEMPTS} attempts: {last}"


def _place(proxy: Proxy, kind: str) -> int:
    """The place of the disturbed request in the order in which requests came."""
    return next(place for place, seen in enumerate(proxy.seen) if seen.endswith(f" {kind}"))


def _disturbed(proxy: Proxy, kind: str) -> str:
    """Path of the request that was disturbed."""
    return next((asked.target[:120] for asked, seen in zip(proxy.requests, proxy.seen, strict=True) if seen.endswith(kind)), "")


def _difference(found: object, expected: object) -> str:
    if isinstance(found, dict) and isinstance(expected, dict):
        changed = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
        return "; ".join(f"{key}: {_difference(found.get(key), expected.get(key))}" for key in sorted(changed))
    if isinstance(found, frozenset) and isinstance(expected, frozenset):
        return f"more {sorted(found - expected)}, less {sorted(expected - found)}"
    return f"{found!r} instead of {expected!r}"
