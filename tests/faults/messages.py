"""HTTP messages as the fault proxy reads and changes them: a head and a body, both in bytes."""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass, replace

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NO_BODY = (b" 204 ", b" 304 ")
RESET = struct.pack("ii", 1, 0)
"""Socket option: closing sends RST."""


@dataclass(frozen=True)
class Message:
    """A request or an answer."""

    head: bytes
    """With the empty line at its end."""

    body: bytes

    @property
    def line(self) -> str:
        """The first line."""
        return self.head.partition(b"\r\n")[0].decode()

    @property
    def method(self) -> str:
        """Of a request."""
        return self.line.partition(" ")[0]

    @property
    def target(self) -> str:
        """Path and query of a request."""
        return self.line.split(" ")[1]

    @property
    def conditional(self) -> bool:
        """Whether a request carries a condition that may fail."""
        lower = self.head.lower()
        return b"\r\nif-match:" in lower or b"\r\nif-none-match:" in lower

    def with_body(self, body: bytes) -> Message:
        """The same head with another body, of the same length or not."""
        return replace(self, body=body)

    def closing(self) -> bytes:
        """As bytes, with ``Connection: close`` and without what the proxy has answered itself."""
        lines = [line for line in self.head[:-4].split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))]
        return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + self.body

    def exchange(self, server: socket.socket) -> Message:
        """Send this request to a server; its answer."""
        server.sendall(self.closing())
        while (answer := _read(server, ends_at_close=True, bodyless=self.method == "HEAD")) and answer.head.startswith(b"HTTP/1.1 100"):
            continue
        if answer is None:
            raise ConnectionResetError("the server closed the connection")
        return answer


def read_request(client: socket.socket) -> Message | None:
    """The request of a client; None if it closes the connection first."""
    return _read(client, ends_at_close=False, bodyless=False)


def reset(client: socket.socket) -> None:
    """Have the client see `ECONNRESET`."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()


def refusal(status: int, code: str) -> Message:
    """An answer that S3 and MLflow both give on errors: S3's XML, which MLflow's clients take as any other text."""
    body = f"<Error><Code>{code}</Code></Error>".encode()
    head = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return Message(head.encode(), body)


def _read(source: socket.socket, *, ends_at_close: bool, bodyless: bool) -> Message | None:
    """Head and body; answers ``Expect: 100-continue`` of a client itself."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = source.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    if not ends_at_close and b"100-continue" in head.lower():
        source.sendall(CONTINUE)
    found = LENGTH.search(head)
    if bodyless or head.startswith(b"HTTP/1.1 100") or any(mark in head[:16] for mark in NO_BODY):
        length: int | None = 0
    else:
        length = int(found[1]) if found else None
    while (length is None and ends_at_close) or (length is not None and len(body) < length):
        piece = source.recv(65536)
        if not piece:
            break
        body += piece
    return Message(head, body)
