"""Notifier ``webhook``: the message as a JSON object for another system: event, recipe, run, model, detail, text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.notify.post import post

if TYPE_CHECKING:
    from pipeline.notify.base import Message
    from pipeline.settings import Settings


def notify(message: Message, settings: Settings) -> None:
    """Post the object.

    Raises:
        BadInput: no address is set, or its server refused the object.
        Unavailable: the server is unreachable.
    """
    body = message.model_dump(mode="json", exclude={"to"})
    post("webhook", "TRAINSHED_NOTIFY_WEBHOOK", settings.notify_webhook, {**body, "text": message.text})
