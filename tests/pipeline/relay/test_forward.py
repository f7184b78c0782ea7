"""Forwarded connections, as in the S3 server's container: bytes arrive complete in both directions, and a shutdown is forwarded."""

from __future__ import annotations

import hashlib
import socket
import threading

import pytest

from pipeline.relay import forward

DATA = b"".join(hashlib.sha256(str(index).encode()).digest() for index in range(200_000))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def opened():
    """A relay on a port of its own, and the server behind it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = free_port()
        threading.Thread(target=forward.main, args=(port, server.getsockname()[1], "127.0.0.1"), daemon=True).start()
        yield port, server


def connect(port: int) -> socket.socket:
    for _ in range(1000):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            threading.Event().wait(0.01)
    raise AssertionError("the relay did not open")


def read_all(end: socket.socket) -> bytes:
    return b"".join(iter(lambda: end.recv(1 << 16), b""))


def test_a_response_may_follow_the_end_of_the_request(opened) -> None:
    port, server = opened
    with connect(port) as client:
        threading.Thread(target=lambda: (client.sendall(DATA), client.shutdown(socket.SHUT_WR)), daemon=True).start()
        inside, _ = server.accept()
        with inside:
            inside.settimeout(10)
            assert read_all(inside) == DATA
            inside.sendall(DATA[::-1])
        assert read_all(client) == DATA[::-1]


def test_an_aborted_connection_closes_the_other_side(opened) -> None:
    port, server = opened
    client = connect(port)
    inside, _ = server.accept()
    with inside:
        inside.settimeout(10)
        client.close()
        assert read_all(inside) == b""


def test_without_a_target_connections_close_and_the_proxy_keeps_running() -> None:
    port, target = free_port(), free_port()
    threading.Thread(target=forward.main, args=(port, target, "127.0.0.1"), daemon=True).start()
    with connect(port) as client:
        assert read_all(client) == b""
    with socket.create_server(("127.0.0.1", target)) as server, connect(port) as client:
        inside, _ = server.accept()
        with inside:
            inside.sendall(b"here")
        assert read_all(client) == b"here"
