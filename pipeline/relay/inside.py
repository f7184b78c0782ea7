"""The half in the container: ``python -m pipeline.relay.inside 127.0.0.1:8333 … -- COMMAND`` listens, and becomes the command.

The relay is a process of its own. The command keeps the process id that the container's init started, so signals and the exit code
are the command's. When it ends, the container ends, and the relay with it. Signals from outside do not reach the relay, so it still
works while a checkpoint is written.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from pipeline.relay.forward import BACKLOG, serve
from pipeline.relay.sockets import INSIDE, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.relay.sockets import Address


def main(arguments: Sequence[str]) -> None:
    """Listen on each address, forward in the background, and become the command."""
    split = arguments.index("--")
    addresses = [parse(text) for text in arguments[:split]]
    command = arguments[split + 1 :]
    # before the command starts, so that its first request finds them
    listeners = {address: _listen(address) for address in addresses}
    if _in_background():
        _forward(listeners)
    for listener in listeners.values():
        listener.close()
    os.execvp(command[0], list(command))  # noqa: S606 - the command of this container


def _listen(address: Address) -> socket.socket:
    return socket.create_server(address, family=address.family, backlog=BACKLOG)


def _in_background() -> bool:
    """Fork twice, so that the command gets no child that it does not know; True in the process that was made."""
    if child := os.fork():
        os.waitpid(child, 0)
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    return True


def _forward(listeners: dict[Address, socket.socket]) -> None:
    """Forward until the container ends."""
    threads = [threading.Thread(target=serve, args=(one, partial(_connect, address))) for address, one in listeners.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _connect(address: Address) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        made.connect(f"{INSIDE}/{address.file}")
    except OSError:
        made.close()
        raise
    return made


if __name__ == "__main__":
    main(sys.argv[1:])
