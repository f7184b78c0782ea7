"""One HTTP question to a server that may not be up yet.

The standard library does it in a millisecond of import, `requests` takes a hundred. Loopback addresses never go through
a proxy: behind a company proxy every probe would otherwise ask the proxy for its own 127.0.0.1.
"""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Answer:
    """What came back: a status, 0 when nothing did, and the body or the reason."""

    status: int
    text: str

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; anything else is an empty one."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


def ask(url: str, body: object | None = None, login: tuple[str, str] | None = None) -> Answer:
    """GET ``url``, or POST ``body`` to it as JSON; never raises for what a server or the network does."""
    request = urllib.request.Request(url)  # noqa: S310 - the schemes are those of our own settings
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if login is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(":".join(login).encode()).decode())
    handlers = [urllib.request.ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_S) as answer:
            return Answer(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(errors="replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:  # the last: it speaks, but no HTTP
        return Answer(0, str(getattr(error, "reason", error)))
