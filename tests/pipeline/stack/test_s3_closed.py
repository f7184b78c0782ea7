"""Nothing but the S3 gateway can be reached: a ledger entry survives whoever has no keys, on every port and socket that SeaweedFS opens."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest
from fixtures.docker import docker
from fixtures.stack import bare_environment, free_settings

from pipeline.artifacts import open_store
from pipeline.settings import Settings
from pipeline.stack import processes, shutdown, startup
from pipeline.stack.base import HOST, StackContext, ignore_progress
from pipeline.stack.certificates import AUTHORITY, CERTIFICATE, KEY, load_or_generate
from pipeline.stack.ports import PARTNER_OFFSET, choose
from pipeline.stack.s3 import PARTS, S3
from pipeline.stack.secrets import load_or_generate as secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.base import Store

LEDGER = "ledger/m"
ENTRY = f"{LEDGER}/000001.json"
WEED = Path(sys.executable).with_name("weed")
NOBODY = 65534
ATTEMPT_S, CONTROL_S = 10, 120
"""Without a certificate the shell waits for the master without end; with it, or where none is asked for, it takes a second."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackContext]:
    """The S3 server of a laptop's stack, alone, started as `trainshed up` starts it."""
    state = tmp_path_factory.mktemp("closed").resolve()
    ports: dict[str, int] = {}
    for part in PARTS:
        taken = {port + offset for port in ports.values() for offset in (0, PARTNER_OFFSET)}
        ports[part] = choose((), partner=True, avoid=frozenset(taken))
    made = StackContext(state, free_settings(state), ports, secrets_of(state))
    # a file of the user that would open the gRPC ports again if it were read
    (state / "security.toml").write_text('[grpc]\nca = ""\n')
    with bare_environment():
        startup.start_all([S3()], set(), made, ignore_progress)
        try:
            yield made
        finally:
            shutdown.stop_all(state, ignore_progress)


@pytest.fixture
def store(site: StackContext) -> Store:
    """The store by its keys, with one entry in the ledger."""
    keys = {"s3_access_key": site.secrets.s3_access_key, "s3_secret_key": site.secrets.s3_secret_key}
    made = open_store(Settings(state=site.state, store="s3://pipeline", s3_endpoint=site.url("s3"), **keys))
    made.put(ENTRY, b"entry")
    return made


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """Certificate and key of another authority."""
    for path, text in load_or_generate(tmp_path).items():
        path.write_text(text)
    return {"certfile": str(tmp_path / CERTIFICATE), "keyfile": str(tmp_path / KEY)}


def servers(site: StackContext) -> list[psutil.Process]:
    return [found.process for found in processes.find_marked(site.state)]


def shell_arguments(site: StackContext) -> list[str]:
    """Arguments of SeaweedFS's shell that lead it to the master and the filer of this stack."""
    addresses = [f"{HOST}:{site.ports[part]}.{site.ports[part] + PARTNER_OFFSET}" for part in ("s3-master", "s3-filer")]
    return ["-logtostderr=true", "shell", f"-master={addresses[0]}", f"-filer={addresses[1]}"]


def shell(site: StackContext, command: str, variables: dict[str, str], timeout_s: float, user: int | None = None) -> None:
    """Give a command to `weed shell`, started outside the state folder; it is killed if it does not reach the master."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    with executable_for_everybody(WEED) as weed, suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [weed, *shell_arguments(site)],
            input=f"{command}\nexit\n",
            env=environment,
            cwd="/",
            user=user,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )


@contextmanager
def executable_for_everybody(program: Path) -> Iterator[str]:
    """A copy that every user may run: the checkout may be in a folder that only its owner may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield shutil.copy(program.resolve(), folder)


def delete_entry(channel: grpc.Channel, directory: str, name: str) -> None:
    """filer_pb.SeaweedFiler/DeleteEntry, with the message written by hand: directory = 1, name = 2, is_delete_data = 4."""
    message = b"".join(bytes([tag, len(text)]) + text.encode() for tag, text in ((0x0A, directory), (0x12, name))) + b"\x20\x01"
    call = channel.unary_unary("/filer_pb.SeaweedFiler/DeleteEntry", request_serializer=lambda data: data, response_deserializer=bytes)
    call(message, timeout=ATTEMPT_S)


def credentials(folder: Path, authority: Path) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(authority.read_bytes(), (folder / KEY).read_bytes(), (folder / CERTIFICATE).read_bytes())


def test_the_shell_removes_nothing_not_even_as_another_user(site: StackContext, store: Store) -> None:
    remove = f"fs.rm -rf /buckets/pipeline/{LEDGER}"
    shell(site, remove, {}, ATTEMPT_S)
    if os.geteuid() == 0:
        shell(site, remove, {}, ATTEMPT_S, NOBODY)
    assert store.get(ENTRY).data == b"entry"
    # the same command removes it for whoever has the certificate
    inside = {name: value for name, value in S3().environment(site).items() if name.startswith("WEED_")}
    shell(site, remove, inside, CONTROL_S)
    assert list(store.list(LEDGER)) == []


REQUESTS = """
import http.client, sys
for port, method, path in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    try:
        connection.request(method, path)
        print(connection.getresponse().status)
    except OSError as error:
        print(type(error).__name__)
"""


def test_a_container_on_the_hosts_network_removes_nothing(site: StackContext, store: Store, base_image: str) -> None:
    run = ("run", "--rm", "--network", "host", "--read-only", "--user", "10001:10001")
    ports = [str(site.ports[part]) for part in ("s3-filer", "s3-master", "s3")]
    asked = (ports[0], "DELETE", f"/buckets/pipeline/{LEDGER}?recursive=true", ports[1], "GET", "/col/delete?collection=pipeline")
    *inner, gateway = docker(*run, base_image, "python3", "-c", REQUESTS, *asked, ports[2], "DELETE", f"/pipeline/{ENTRY}").split()
    # the gateway's refusal shows that the container reaches these ports
    assert gateway == "403"
    assert set(inner) <= {"400", "RemoteDisconnected"}
    remove = f"echo 'fs.rm -rf /buckets/pipeline/{LEDGER}' | timeout {ATTEMPT_S} /weed {' '.join(shell_arguments(site))} || true"
    docker(*run, "--volume", f"{WEED.resolve()}:/weed:ro", base_image, "sh", "-c", remove)
    assert store.get(ENTRY).data == b"entry"


def test_grpc_without_our_certificate_removes_nothing(site: StackContext, store: Store, foreign: dict[str, str]) -> None:
    address = f"{HOST}:{site.ports['s3-filer'] + PARTNER_OFFSET}"
    own = site.state / "stack" / "s3-tls"
    other = Path(foreign["certfile"]).parent
    strangers = [
        grpc.insecure_channel(address),
        grpc.secure_channel(address, grpc.ssl_channel_credentials((own / AUTHORITY).read_bytes())),
        grpc.secure_channel(address, credentials(other, own / AUTHORITY)),
    ]
    for channel in strangers:
        with channel, pytest.raises(grpc.RpcError):
            delete_entry(channel, f"/buckets/pipeline/{LEDGER}", "000001.json")
    assert store.get(ENTRY).data == b"entry"
    with grpc.secure_channel(address, credentials(own, own / AUTHORITY)) as channel:
        delete_entry(channel, f"/buckets/pipeline/{LEDGER}", "000001.json")
    assert list(store.list(LEDGER)) == []


def answer(port: int, context: ssl.SSLContext | None, request: str = "GET /") -> bytes:
    """The status line that a port answers to a plain or encrypted request; empty where it hangs up."""
    try:
        plain = socket.create_connection((HOST, port), ATTEMPT_S)
        with context.wrap_socket(plain) if context else plain as connection:
            connection.sendall(f"{request} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(4096).partition(b"\r\n")[0]
    except (ssl.SSLError, ConnectionError):
        return b""


REFUSED = {b"", b"HTTP/1.0 400 Bad Request"}
"""What a port that speaks TLS answers to a plain request: Go's HTTP server says so, gRPC hangs up."""


def test_every_port_but_the_gateways_refuses_whoever_has_no_certificate_of_ours(
    site: StackContext, store: Store, foreign: dict[str, str]
) -> None:
    ports = {c.laddr.port for one in servers(site) for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert len(ports) == 2 * len(PARTS)
    without, with_another = ssl._create_unverified_context(), ssl._create_unverified_context()
    with_another.load_cert_chain(**foreign)
    for port in ports - {site.ports["s3"]}:
        assert answer(port, None) in REFUSED, port
        assert answer(port, without) == b"", port
        assert answer(port, with_another) == b"", port
    assert answer(site.ports["s3"], None, "GET /pipeline") == b"HTTP/1.1 403 Forbidden"
    assert store.get(ENTRY).data == b"entry"


def test_requests_that_delete_by_http_are_not_served(site: StackContext, store: Store) -> None:
    assert answer(site.ports["s3-filer"], None, f"DELETE /buckets/pipeline/{LEDGER}?recursive=true") in REFUSED
    assert answer(site.ports["s3-master"], None, "GET /col/delete?collection=pipeline") in REFUSED
    assert answer(site.ports["s3"], None, f"DELETE /pipeline/{ENTRY}") == b"HTTP/1.1 403 Forbidden"
    assert store.get(ENTRY).data == b"entry"


def test_only_the_owner_may_connect_to_its_unix_sockets(site: StackContext) -> None:
    paths = {Path(c.laddr) for one in servers(site) for c in one.net_connections("unix") if c.laddr}
    sockets = [path for path in paths if path.exists()]
    assert len(sockets) >= len(PARTS)
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in sockets} == {0}


def test_its_key_is_for_its_owner_only(site: StackContext) -> None:
    for path in load_or_generate(site.state / "stack" / "s3-tls"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
