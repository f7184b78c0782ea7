"""One HTTP request to a server that may not run yet.

The standard library takes 1 ms to import, ``requests`` 100 ms. Requests to loopback addresses use no proxy: otherwise a company
proxy would get the probe of 127.0.0.1.
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
    """HTTP status and body; status 0 and the reason if there was no answer."""

    status: int
    text: str

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is anything else."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


def ask(url: str, body: object | None = None, login: tuple[str, str] | None = None) -> Answer:
    """GET ``url``, or POST ``body`` to it as JSON. Errors of the server and the network do not raise."""
    request = urllib.request.Request(url)  # noqa: S310 - the URL is from our settings
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
    except (OSError, ValueError, http.client.HTTPException) as error:  # the last: the answer is not HTTP
        return Answer(0, str(getattr(error, "reason", error)))
