"""Forward every connection from a port of this machine to a port of its loopback: ``python s3_proxy.py PORT TARGET``.

Every server of SeaweedFS except the S3 gateway trusts all clients, and all of them listen on one address. So that address is the
loopback, and this proxy opens the gateway. The kernel moves the bytes (splice), unread: the gateway itself asks for keys.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading

CHUNK = 1 << 20


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


def serve(client: socket.socket, target: int) -> None:
    """Forward one connection until it ends; close it if the target is unreachable."""
    with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", target)) as server:
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def main(port: int, target: int, host: str = "0.0.0.0") -> None:  # noqa: S104 - of the container; its network decides who can connect
    """Forward connections until the process is killed."""
    with socket.create_server((host, port), backlog=128) as proxy:
        while True:
            client, _ = proxy.accept()
            threading.Thread(target=serve, args=(client, target), daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
