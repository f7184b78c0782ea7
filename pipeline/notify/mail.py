"""Notifier ``mail``: an e-mail through an SMTP server, with STARTTLS unless a setting turns it off."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Unavailable
from pipeline.notify.base import TIMEOUT_S

if TYPE_CHECKING:
    from pipeline.notify.base import Message
    from pipeline.settings import Settings


def notify(message: Message, settings: Settings) -> None:
    """Send the message to the recipe's addresses, or to those of the settings.

    Raises:
        BadInput: no server, sender or receiver is set, or the server refused log-in or message.
        Unavailable: the server is unreachable.
    """
    receivers = message.to or settings.mail_to
    if not (settings.smtp_host and settings.mail_from and receivers):
        wanted = "TRAINSHED_SMTP_HOST, TRAINSHED_MAIL_FROM, and TRAINSHED_MAIL_TO or the recipe's notify.to"
        raise BadInput("e-mail is not set up", wanted, "set them where Airflow runs")
    place = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S) as server:
            if settings.smtp_tls:
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_username and settings.smtp_password:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            server.send_message(render(message, settings.mail_from, receivers))
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, smtplib.SMTPRecipientsRefused) as error:
        raise BadInput(f"the SMTP server {place} refused the message: {type(error).__name__}", "", "correct TRAINSHED_SMTP_…") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"cannot send by the SMTP server {place}: {error}") from error


def render(message: Message, sender: str, receivers: tuple[str, ...]) -> EmailMessage:
    """The e-mail."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, sender, ", ".join(receivers)
    mail.set_content(message.text)
    return mail
