"""A scripted proxy between a client and an HTTP server on the loopback.

It passes bytes as they are, so signatures hold. It makes clients use one connection for each request, by closing it after the
answer. What may happen to a request is in `faults.kinds`. Three ways say which request it happens to:

- ``proxy.at(3, "503")``: the third request that this kind of fault applies to;
- ``proxy.faults.append("503")``: the next one; several are used up in turn;
- ``proxy.always = "503"``: every one.

``proxy.matching`` is a regular expression for the request line (``PUT /bucket/key``): other requests pass undisturbed. Each request that
arrives is noted in ``proxy.requests``, and with its fault in ``proxy.seen``.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from faults.kinds import KINDS, PASS
from faults.messages import Message, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.kinds import Kind


@dataclass
class Script:
    """The plan for one request: the ``number``-th that ``kind`` applies to."""

    kind: Kind
    number: int
    met: int = 0
    """How many requests it applied to so far."""

    @property
    def fired(self) -> bool:
        """Whether that request came."""
        return self.met >= self.number

    def choose(self, request: Message) -> Kind | None:
        """The kind, if it is this request's turn."""
        if self.fired or not self.kind.applies(request):
            return None
        self.met += 1
        return self.kind if self.fired else None


class Proxy:
    """Listens on a free port until it is closed."""

    def __init__(self, target: str) -> None:
        """Listen.

        Args:
            target: URL of the server.
        """
        place = urlsplit(target)
        self.target = (place.hostname, place.port)
        self.faults: deque[str] = deque()
        self.always = ""
        self.matching = ""
        self.script: Script | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        """What the kind ``meanwhile`` does before it passes its request on."""
        self.on_gone: Callable[[], object] = lambda: None
        """Called once when the kinds ``gone before`` and ``gone after`` cut the client off for good."""
        self.gone = False
        self.requests: list[Message] = []
        self.seen: list[str] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._closed = False
        self._up = threading.Event()
        self._start()

    def at(self, number: int, kind: str) -> Script:
        """Disturb the ``number``-th request from now on that this kind of fault applies to; forget what was planned before."""
        self.reset()
        self.script = Script(KINDS[kind], number)
        return self.script

    def reset(self) -> None:
        """Disturb nothing, and forget what was seen."""
        with self._lock:
            self.script, self.always, self.matching, self.gone = None, "", "", False
            self.faults.clear()
            self.requests, self.seen = [], []

    def close(self) -> None:
        """Stop listening."""
        self._closed = True
        self._stop()

    def cut_off(self) -> None:
        """Never answer this client again, as if it were dead."""
        self.gone = True
        self.on_gone()

    def restart(self, pause_s: float) -> None:
        """Refuse connections for a while, as a server that starts again."""
        self._up.clear()
        self._stop()
        time.sleep(pause_s)
        if not self._closed:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._start()

    def wait_until_up(self) -> None:
        """Wait for the end of a restart: a scheduler pauses before it tries again."""
        assert self._up.wait(30)

    def _start(self) -> None:
        self._up.set()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _stop(self) -> None:
        # a thread that waits in accept keeps the port open after close; shutdown wakes it
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self.gone:
                return
            request = read_request(client)
            if request:
                self._choose(request).act(Exchange(self, client, request))

    def _choose(self, request: Message) -> Kind:
        with self._lock:
            kind = self._planned(request) if re.search(self.matching, request.line) else PASS
            self.requests.append(request)
            self.seen.append(f"{request.method} {kind.name}".strip())
        return kind

    def _planned(self, request: Message) -> Kind:
        chosen = self.script.choose(request) if self.script else None
        if chosen:
            return chosen
        name = self.faults.popleft() if self.faults else self.always
        return KINDS[name] if name else PASS


class Exchange:
    """One request, and what can be done with it."""

    def __init__(self, proxy: Proxy, client: socket.socket, request: Message) -> None:
        self.proxy, self.client, self.request = proxy, client, request

    def forward(self, request: Message | None = None) -> Message:
        """Have the server answer."""
        with socket.create_connection(self.proxy.target) as server:
            return (request or self.request).exchange(server)

    def answer(self, message: Message) -> None:
        """Send an answer to the client."""
        self.client.sendall(message.closing())
