"""Notifier ``log``: a line in the log of Airflow's process that runs the callback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.recipe.notify import Event

if TYPE_CHECKING:
    from pipeline.notify.base import Message
    from pipeline.settings import Settings

log = logging.getLogger(__name__)


def notify(message: Message, settings: Settings) -> None:
    """Log the message; a failure as an error."""
    del settings
    level = logging.ERROR if message.event is Event.FAILED else logging.INFO
    log.log(level, "%s", message.text.replace("\n", ": "))
