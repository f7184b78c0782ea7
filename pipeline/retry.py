"""Waiting for a server that is away.

A call that finds its server away raises `Unreachable`; `RetryPolicy` makes it again with growing, random pauses until it succeeds, fails
for another reason, or the patience is used up. Only then do people hear of it, in one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0

Result = TypeVar("Result")


class Unreachable(Exception):
    """The server did not answer, or said that it cannot now; the text says which."""


class RetryPolicy(NamedTuple):
    """How long a server is waited for, and what is said when it stays away."""

    seconds: float
    """How long after the first call another one may still begin."""

    server: str
    """What is waited for, e.g. ``S3 at http://127.0.0.1:8333``."""

    expected: str
    """What should have been there."""

    fix: str
    """What the reader can do."""

    longest_pause_s: float = LONGEST_PAUSE_S
    """Longest pause between two calls, in seconds."""

    def call(self, once: Callable[[], Result]) -> Result:
        """Call ``once`` until it does not raise `Unreachable`.

        Raises:
            Unavailable: the server stayed away for longer than the patience.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_delay(self.seconds),
            wait=wait_random_exponential(SHORTEST_PAUSE_S, max=self.longest_pause_s),
            reraise=True,
        )
        try:
            return retrying(once)
        except Unreachable as error:
            raise Unavailable(f"{self.server} does not answer: {error}", self.expected, self.fix) from error


def cause(error: BaseException) -> str:
    """Why a call got no answer, without the addresses and reprs that fill the messages of HTTP libraries."""
    # botocore keeps the socket's own complaint among the arguments of its text
    told = f"{type(error).__name__} {error} {getattr(error, 'kwargs', '')}".lower()
    if "refused" in told:
        return "connection refused"
    return "timed out" if "timeout" in told or "timed out" in told else "connection broken"
