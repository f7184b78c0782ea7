"""Notifier ``slack``: a message through an incoming webhook of Slack; Mattermost and Rocket.Chat take the same form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.notify.post import post

if TYPE_CHECKING:
    from pipeline.notify.base import Message
    from pipeline.settings import Settings


def notify(message: Message, settings: Settings) -> None:
    """Post the text.

    Raises:
        BadInput: no webhook is set, or it refused the message.
        Unavailable: it is unreachable.
    """
    # Slack reads these three as markup
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    post("slack", "TRAINSHED_SLACK_WEBHOOK", settings.slack_webhook, {"text": text})
