"""What a check of ``trainshed doctor`` is, and what it may find.

A check is a function of the settings that yields findings: one that is ok, or one for each problem. It may also raise one of our errors,
which becomes its last finding, so that messages of a store or a client are not written twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from pipeline.errors import TrainshedError, Unavailable
from pipeline.stack.http import TIMEOUT_S, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

State = Literal["ok", "warning", "error", "unreachable"]
"""``error``: runs fail until somebody fixes it. ``unreachable``: runs fail until a server answers. ``warning``: runs may succeed."""

RETRY_S = 3.0
"""How long an unreachable server is retried, in seconds: a person is waiting for the answer."""


class Finding(NamedTuple):
    """One row of the doctor's table."""

    state: State
    got: str
    expected: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """One line, in the form of our errors."""
        return str(TrainshedError(self.got, self.expected, self.fix))


class Check(Protocol):
    """One check."""

    def __call__(self, settings: Settings) -> Iterator[Finding]:
        """Yield what was found.

        Args:
            settings: those of this machine.

        Raises:
            TrainshedError: becomes the last finding.
        """
        ...


def finding_of(error: TrainshedError) -> Finding:
    """An error as a finding: ``unreachable`` if a retry may succeed, else ``error``."""
    return Finding("unreachable" if error.exit_code == Unavailable.exit_code else "error", error.got, error.expected, error.fix)


def require_answer(server: str, url: str) -> None:
    """Check that a server which accepts connections also answers; the clients would wait a minute for it.

    Raises:
        Unavailable: it does not answer within a few seconds.
    """
    if url.startswith(("http://", "https://")) and "timed out" in ask(url).text:
        got = f"{server} at {url} does not answer within {TIMEOUT_S:.0f} seconds"
        raise Unavailable(got, fix="read its log; restart it if it hangs")


def with_short_retries(settings: Settings) -> Settings:
    """The same settings with short retries, because a person is waiting."""
    return settings.model_copy(update={"s3_retry_s": RETRY_S, "mlflow_retry_s": RETRY_S})
