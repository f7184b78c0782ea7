"""The two halves of the relay, joined by sockets in a folder. `end_to_end/one_docker_stack/test_docker_network.py` tries them in a container."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest
from fixtures.commands import until
from fixtures.stack import REPOSITORY

from pipeline.relay.addresses import loopback_addresses
from pipeline.relay.sockets import Address, folder, parse, prepare, silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATA = b"".join(hashlib.sha256(str(index).encode()).digest() for index in range(100_000))
NOBODY = 65534
INSIDE = "import sys; from pipeline.relay import inside; inside.INSIDE = sys.argv[1]; inside.main(sys.argv[2:])"
"""The half in a container, with the folder elsewhere."""


def read(end: socket.socket) -> bytes:
    """Everything until the other side ends."""
    return b"".join(iter(lambda: end.recv(1 << 16), b""))


def reversed_back(server: socket.socket) -> None:
    """Answer every connection with what it sent, backwards."""
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.sendall(read(client)[::-1])


@pytest.fixture
def server() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=reversed_back, args=(listener,), daemon=True).start()
        yield Address("127.0.0.1", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def outside(place: Path, *addresses: Address) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "pipeline.relay.outside", str(place), *map(str, addresses)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}) as process:
        try:
            until("the sockets", lambda: not silent(place, addresses))
            yield process
        finally:
            process.kill()


def send(end: socket.socket, data: bytes) -> None:
    """Everything, and the end; the other side may be gone."""
    with contextlib.suppress(OSError):
        end.sendall(data)
        end.shutdown(socket.SHUT_WR)


def ask(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, timeout=20) as client:
        threading.Thread(target=send, args=(client, data), daemon=True).start()
        return read(client)


@contextmanager
def inside(place: Path, listening: Address, *command: str) -> Iterator[subprocess.Popen[str]]:
    """The half in a container with the container's command; both end with the test, as with a container."""
    started = [sys.executable, "-c", INSIDE, str(place), str(listening), "--", *command]
    with subprocess.Popen(started, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
            for left in psutil.process_iter(["cmdline"]):
                if str(place) in (left.info["cmdline"] or []) and left.pid != os.getpid():
                    left.kill()


def test_a_server_is_reached_through_both_halves_also_after_a_restart(tmp_path: Path, server: Address) -> None:
    place, listening = folder(tmp_path), Address("127.0.0.2", server.port)
    with inside(place, listening, "sleep", "1000"):
        until("the half inside", lambda: accepts(listening))
        # without the other half a connection is closed
        assert ask(listening, b"") == b""
        for _ in range(2):
            with outside(place, server):
                assert ask(listening, DATA) == DATA[::-1]
            assert ask(listening, b"") == b""


def test_twenty_connections_at_once(tmp_path: Path, server: Address) -> None:
    place, listening = folder(tmp_path), Address("127.0.0.2", server.port)
    with outside(place, server), inside(place, listening, "sleep", "1000"):
        until("the half inside", lambda: accepts(listening))
        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(lambda _: ask(listening, DATA) == DATA[::-1], range(60))) == [True] * 60


def test_the_command_has_the_first_process_its_signals_and_its_exit_code(tmp_path: Path, server: Address) -> None:
    place, listening = folder(tmp_path), Address("127.0.0.2", server.port)
    say = "import os, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); print(os.getpid(), flush=True); time.sleep(1000)"
    with inside(place, listening, sys.executable, "-c", say) as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        assert accepts(listening)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 75


def test_an_address_that_is_taken_ends_it_before_the_command(tmp_path: Path, server: Address) -> None:
    with inside(folder(tmp_path), server, "echo", "started") as process:
        assert process.communicate(timeout=20)[0] == ""
        assert process.returncode == 1


def accepts(address: Address) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


def test_only_the_owner_gets_to_the_sockets_and_every_user_may_connect(tmp_path: Path, server: Address) -> None:
    """A container's user is another one, and a mount leads past the private folder."""
    place = folder(tmp_path)
    place.mkdir(parents=True, mode=0o755)
    (place / "1234").touch()
    with outside(place, server):
        assert [path.name for path in place.iterdir()] == [str(server.port)]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.parent, place, place / str(server.port))]
        assert modes == [0o700, 0o711, 0o666]
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
            try:
                with socket.socket(socket.AF_UNIX) as stranger, pytest.raises(PermissionError):
                    stranger.connect(str(place / str(server.port)))
            finally:
                os.seteuid(0)


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path, server: Address) -> None:
    place = folder(tmp_path / ("long" * 30))
    with outside(place, server):
        assert silent(place, [server, Address("127.0.0.1", 1)]) == [Address("127.0.0.1", 1)]


def test_a_folder_that_is_not_there_is_silent(tmp_path: Path) -> None:
    assert silent(folder(tmp_path), [Address("127.0.0.1", 1)]) == [Address("127.0.0.1", 1)]
    prepare(folder(tmp_path))
    assert silent(folder(tmp_path), []) == []


@pytest.mark.parametrize("address", [Address("127.0.0.1", 8333), Address("::1", 80)])
def test_an_address_is_read_as_it_is_written(address: Address) -> None:
    assert parse(str(address)) == address


def test_addresses_of_this_machine_among_others() -> None:
    urls = ("http://localhost:8333", "http://127.0.0.1:8333/", "https://s3.example", "https://127.0.0.1")
    assert loopback_addresses(urls) == (Address("127.0.0.1", 443), Address("127.0.0.1", 8333))
