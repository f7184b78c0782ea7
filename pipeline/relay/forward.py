"""Forward connections, unread, in both directions: ``python -m pipeline.relay.forward PORT TARGET`` opens a port of the loopback.

The kernel moves the bytes (splice), so the speed is near that of one connection. A shutdown of one direction is passed on, and an error
shuts both directions down. Each connection has two threads; they wait in the kernel.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1 << 20
BACKLOG = 128
PAUSE_S = 0.1
"""Wait after a connection could not be accepted, for instance because too many files are open."""


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Move bytes in one direction until the source ends, then shut the sink down; an error shuts both down."""
    reading, writing = os.pipe()
    how = socket.SHUT_RDWR
    try:
        while moved := os.splice(source.fileno(), writing, CHUNK):
            while moved:
                moved -= os.splice(reading, sink.fileno(), moved)
        how = socket.SHUT_WR
    except OSError:
        with contextlib.suppress(OSError):
            source.shutdown(how)
    finally:
        os.close(reading)
        os.close(writing)
        with contextlib.suppress(OSError):
            sink.shutdown(how)


def join(client: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Forward one connection until both directions end; close it if the target is unreachable."""
    with client, contextlib.suppress(OSError), connect() as server:
        for end in (client, server):
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def serve(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Forward every connection until the process ends.

    Args:
        listener: accepts the connections.
        connect: makes the other end of one; may raise `OSError`.
    """
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            time.sleep(PAUSE_S)
            continue
        threading.Thread(target=join, args=(client, connect), daemon=True).start()


def main(port: int, target: int, host: str = "0.0.0.0") -> None:  # noqa: S104 - of a server's container; its network decides who connects
    """Forward connections to ``port`` of this machine to port ``target`` of its loopback, until the process is killed."""
    with socket.create_server((host, port), backlog=BACKLOG) as listener:
        serve(listener, lambda: socket.create_connection(("127.0.0.1", target)))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
