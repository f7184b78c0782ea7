"""Retry with backoff while a server is unreachable.

A call raises `Unreachable` when the server does not answer. `RetryPolicy` repeats the call with growing random pauses until it
succeeds, fails for another reason, or the time is up. Only then does the user see an error, in one line.
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
    """The server did not answer, or answered that it is temporarily unavailable; the text says which."""


class RetryPolicy(NamedTuple):
    """How long to retry, and the error to raise after that."""

    seconds: float
    """No call starts later than this after the first one."""

    server: str
    """The server, e.g. ``S3 at http://127.0.0.1:8333``."""

    expected: str
    """Part ``expected`` of the error; empty where it adds nothing."""

    fix: str
    """Part ``fix`` of the error."""

    longest_pause_s: float = LONGEST_PAUSE_S
    """Longest pause between two calls, in seconds."""

    def call(self, once: Callable[[], Result]) -> Result:
        """Call ``once`` until it does not raise `Unreachable`.

        Raises:
            Unavailable: the server did not answer within ``seconds``.
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
    """Why a call got no answer, without the addresses and object names that fill the messages of HTTP libraries."""
    # botocore puts the socket's own error among the arguments of its text
    text = f"{type(error).__name__} {error} {getattr(error, 'kwargs', '')}".lower()
    if "refused" in text:
        return "connection refused"
    return "timed out" if "timeout" in text or "timed out" in text else "connection broken"
