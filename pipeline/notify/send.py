"""Send one message through every channel that wants it. Nothing that goes wrong here changes a run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.errors import TrainshedError
from pipeline.notify import NOTIFIERS
from pipeline.notify.base import Message

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.recipe.notify import Event
    from pipeline.settings import Settings

log = logging.getLogger(__name__)


def send(event: Event, recipe: Recipe, run: str, detail: str, settings: Settings) -> None:
    """Tell everybody who wants to know of this event.

    Args:
        event: what happened.
        recipe: its section ``notify`` names channels, events and receivers; without one, the setting ``notify`` names the channels.
        run: name of the run.
        detail: why, in one line.
        settings: addresses and log-ins of the channels.
    """
    wanted = recipe.notify
    if wanted and wanted.on is not None and event not in wanted.on:
        return
    to = wanted.to if wanted else ()
    message = Message(event=event, recipe=recipe.name, run=run, model=recipe.registration.model, detail=" ".join(detail.split()), to=to)
    for name in sorted(wanted.via if wanted else settings.notify):
        try:
            NOTIFIERS.load(name)(message, settings)
        except TrainshedError as error:
            log.warning("notifier %s failed: %s", name, error)
        except Exception as error:  # noqa: BLE001 - somebody's own notifier may raise anything, and its text may contain a secret
            log.warning("notifier %s failed: %s", name, type(error).__name__)
