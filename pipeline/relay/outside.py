"""The half on the machine: ``python -m pipeline.relay.outside FOLDER 127.0.0.1:8333 …`` opens a socket for each address in the folder.

A container that was started before goes on: it has the folder mounted, finds the new sockets there, and connects again.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.relay.forward import BACKLOG, serve
from pipeline.relay.sockets import CONNECTED, parse, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.relay.sockets import Address


def main(place: str, addresses: Sequence[str]) -> None:
    """Forward until the process is killed."""
    _raise_file_limit()
    prepare(Path(place))
    # the path of a socket may have 107 bytes; a name may not be longer than this
    os.chdir(place)
    targets = [parse(text) for text in addresses]
    for left in Path().iterdir():
        left.unlink()
    for target in targets:
        threading.Thread(target=serve, args=(_listen(target), partial(_connect, target))).start()


def _listen(target: Address) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(target.file)
    Path(target.file).chmod(CONNECTED)
    listener.listen(BACKLOG)
    return listener


def _connect(target: Address) -> socket.socket:
    return socket.create_connection(target)


def _raise_file_limit() -> None:
    """A connection has six open files; the usual limit of 1,024 would be too few for a dozen containers."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
