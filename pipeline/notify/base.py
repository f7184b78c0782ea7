"""What a notifier is given, and what it must do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.artifacts.manifest import Frozen
from pipeline.recipe.notify import Event

if TYPE_CHECKING:
    from pipeline.settings import Settings

TIMEOUT_S = 10.0
"""How long a notifier waits for its server, in seconds: Airflow's DAG processor parses nothing meanwhile."""


class Message(Frozen):
    """One thing that people may want to know."""

    event: Event
    recipe: str
    """Name of the recipe."""

    run: str
    """Name of the run."""

    model: str
    """Registered name."""

    detail: str = ""
    """Why, in one line; empty if there is nothing to add."""

    to: tuple[str, ...] = ()
    """E-mail addresses of the recipe; empty for those of the settings."""

    @property
    def subject(self) -> str:
        """The message in one line, without the detail."""
        return f"{self.recipe}: {PHRASES[self.event].format(model=self.model)} ({self.run})"

    @property
    def text(self) -> str:
        """The whole message, in one or two lines."""
        return "\n".join(filter(None, [self.subject, self.detail]))


PHRASES: dict[Event, str] = {
    Event.FINISHED: "run finished",
    Event.PROMOTED: "{model} has a new champion",
    Event.REFUSED: "the challenger of {model} was not promoted",
    Event.FAILED: "run failed",
    Event.WAITING: "the challenger of {model} waits for approval",
    Event.LATE: "run is late",
}


class Notifier(Protocol):
    """Tells somebody."""

    def __call__(self, message: Message, settings: Settings) -> None:
        """Send the message, within a few seconds.

        Raises:
            BadInput: a setting that the notifier needs is missing, or the server refused the message.
            Unavailable: its server is unreachable.
        """
