"""What a check is, and what it may find.

A check is a function of the settings that yields findings: one that is ok when all is well, else one for each thing to mend. It
may also raise one of our errors, which counts as its last finding, so that what a store or a client says already need not be said
twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from pipeline.errors import TrainshedError, Unavailable
from pipeline.stack.http import TIMEOUT_S, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

State = Literal["ok", "warning", "wrong", "away"]
"""``wrong`` keeps a run from succeeding until somebody mends it, ``away`` until a server is there, a ``warning`` does not."""

RETRY_S = 3.0
"""How long a server that is away is waited for: a person looks on, and will ask again."""


class Finding(NamedTuple):
    """One row of what the doctor says."""

    state: State
    got: str
    expected: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """One line, in the form of our errors."""
        return str(TrainshedError(self.got, self.expected, self.fix))


class Check(Protocol):
    """One kind of question."""

    def __call__(self, settings: Settings) -> Iterator[Finding]:
        """Ask, and yield what was found.

        Args:
            settings: those of this machine.

        Raises:
            TrainshedError: what else was found.
        """
        ...


def finding_of(error: TrainshedError) -> Finding:
    """An error as a finding: what is away may come again by itself, all else is wrong."""
    return Finding("away" if error.exit_code == Unavailable.exit_code else "wrong", error.got, error.expected, error.fix)


def require_answer(server: str, url: str) -> None:
    """See that a server which takes connections also answers; the clients would wait a minute for it.

    Raises:
        Unavailable: it does not within a few seconds.
    """
    if url.startswith(("http://", "https://")) and "timed out" in ask(url).text:
        got = f"{server} at {url} does not answer within {TIMEOUT_S:.0f} seconds"
        raise Unavailable(got, "a server that is well", "see its log; start it anew if it hangs")


def hurried(settings: Settings) -> Settings:
    """The same settings with the short patience of somebody who looks on."""
    return settings.model_copy(update={"s3_retry_s": RETRY_S, "mlflow_retry_s": RETRY_S})
