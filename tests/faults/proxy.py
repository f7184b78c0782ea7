"""A scripted proxy between a client and an HTTP server on the loopback.

Each connection takes the next fault of the script, if there is one, and otherwise passes everything through. Bytes are passed as
they are, so signatures hold. Clients are made to use one connection a request by closing it after the answer.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import deque
from urllib.parse import urlsplit

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
EXPIRED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 40\r\nConnection: close\r\n\r\n<Error><Code>ExpiredToken</Code></Error>"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Proxy:
    """Listens on a free port; `faults` holds what happens to the next connections, `always` what to all others."""

    def __init__(self, target: str) -> None:
        place = urlsplit(target)
        self.target = (place.hostname, place.port)
        self.faults: deque[str] = deque()
        self.always = ""
        self.matching = ""
        """Regular expression that a request line must match to be disturbed."""
        self.seen: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head, body = _message(client, client)
            if not head:
                return
            chosen = re.search(self.matching, head.partition(b"\r\n")[0].decode())
            fault = "" if not chosen else self.faults.popleft() if self.faults else self.always
            self.seen.append(f"{head.split(b' ')[0].decode()} {fault}".strip())
            if fault == "refuse":
                return
            if fault == "expired":
                client.sendall(EXPIRED)
                return
            if fault.isdigit():
                client.sendall(f"HTTP/1.1 {fault} Trouble\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                return
            if fault == "never answer":
                client.recv(1)
                return
            with socket.create_connection(self.target) as server:
                server.sendall(_closing(head) + body)
                answer_head, answer = _message(server, None, bodyless=head.startswith(b"HEAD"))
            if fault == "lose the answer":
                return
            if fault == "flip a byte" and answer:
                answer = bytes([answer[0] ^ 1]) + answer[1:]
            if fault == "cut the answer":
                answer = answer[: len(answer) // 2]
            client.sendall(_closing(answer_head) + answer)


def _message(source: socket.socket, asks: socket.socket | None, *, bodyless: bool = False) -> tuple[bytes, bytes]:
    """Head and body of one HTTP message; answers ``Expect: 100-continue`` of a client itself."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = source.recv(65536)
        if not piece:
            return b"", b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    if head.startswith(b"HTTP/1.1 100"):
        return _message(source, asks, bodyless=bodyless)
    if asks and b"100-continue" in head.lower():
        asks.sendall(CONTINUE)
    found = LENGTH.search(head)
    length = 0 if bodyless or b" 204 " in head[:16] or b" 304 " in head[:16] else int(found[1]) if found else None
    while (length is None and asks is None) or (length is not None and len(body) < length):
        piece = source.recv(65536)
        if not piece:
            break
        body += piece
    return head, body


def _closing(head: bytes) -> bytes:
    """The head with ``Connection: close``, and without what the proxy has answered itself."""
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))]
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n"
