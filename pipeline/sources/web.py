"""One file behind an ``http://`` or ``https://`` address: pinned by what its server says of it, read with resume.

The pin is the server's strong ETag, or else its Last-Modified and length, or the checksum that the recipe gives (``data.source.sha256``). A
connection that breaks is made again, and the file goes on at the byte where it broke, on condition that it is still the same file.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager
from ipaddress import ip_address
from socket import gaierror, getaddrinfo
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies

from pipeline.errors import BadInput, Unavailable
from pipeline.retry import RetryPolicy, Unreachable, cause
from pipeline.sources.base import MissingSource, PinnedItem
from pipeline.sources.local_files import changed
from pipeline.sources.network import check_network
from pipeline.sources.roots import is_web

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

TIMEOUT_S = (10, 60)
"""To connect, and between two pieces."""
REDIRECTS = 5
HUB = "https://huggingface.co"
"""The hub, where ``HF_ENDPOINT`` names no other."""
GONE = {404, 410}
PARTIAL, SHORTER = 206, 416
LATER = {408, 425, 429, 500, 502, 503, 504}
"""Answers of a server that is busy or broken for now."""


def pin_url(address: str, sha256: str | None, settings: Settings) -> PinnedItem:
    """Ask the server of a file for its revision and length; nothing is downloaded.

    Args:
        address: of the file.
        sha256: the checksum that it must have, as 64 hexadecimal digits, if the recipe gives one.
        settings: allowed roots, and how long to retry.

    Raises:
        MissingSource: there is no such file.
        BadInput: the server forbids it, says nothing by which a changed file could be told, or is one that sources may not name.
        Unavailable: the server does not answer.
    """
    with retry_policy(address, settings).call(lambda: ask("HEAD", address, {}, settings)) as answer:
        if answer.status_code in GONE:
            raise MissingSource(f"no file at data.source.path {address}", "an address that serves one", "correct the address")
        _check_allowed(answer, address)
        size, revision = answer.headers.get("Content-Length", ""), _revision(answer)
    if not size.isdecimal():
        raise BadInput(f"{address}: its server does not say how long the file is", "a Content-Length", "download it, and name the copy")
    if sha256:
        revision = f"sha256:{sha256.lower()}"
    if not revision:
        raise BadInput(
            f"{address}: its server gives no ETag and no Last-Modified, so a changed file could not be told", "", "set data.source.sha256"
        )
    return PinnedItem(name=address, revision=revision, size=int(size))


@contextmanager
def open_url(item: PinnedItem, settings: Settings) -> Iterator[IO[bytes]]:
    """The bytes of a pinned file, as its server stores them.

    Raises (while reading too):
        SourceChanged: it is no longer at its pinned revision.
        Unavailable: its server does not answer, or breaks off again and again.
    """
    file = _WebFile(item, settings)
    with io.BufferedReader(file, 1 << 18) as stream:
        yield stream


class _WebFile(io.RawIOBase):
    """Reads a file, and resumes where a connection breaks."""

    def __init__(self, item: PinnedItem, settings: Settings) -> None:
        self._item, self._settings = item, settings
        self._policy = retry_policy(item.name, settings)
        self._place = 0
        self._digest = _digest(item)
        self._answer: requests.Response | None = None

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer``; 0 at the end."""
        data = self._policy.call(lambda: self._read(len(buffer)))
        buffer[: len(data)] = data
        self._place += len(data)
        if self._digest:
            self._digest.update(data)
            if not data and self._digest.hexdigest() != self._item.revision.partition(":")[2]:
                raise changed(self._item.name, "it has another checksum")
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        if self._answer is not None:
            self._answer.close()
        super().close()

    def _read(self, size: int) -> bytes:
        """The next bytes; a connection that broke is made again first."""
        from urllib3.exceptions import HTTPError

        if self._place >= self._item.size:
            return b""
        try:
            self._answer = self._answer or self._open()
            data: bytes = self._answer.raw.read(size)
        except (HTTPError, OSError) as error:
            self._drop()
            raise Unreachable(cause(error)) from error
        if not data:
            self._drop()
            raise Unreachable(f"it broke off after {self._place} of {self._item.size} bytes")
        return data

    def _drop(self) -> None:
        if self._answer is not None:
            self._answer.close()
        self._answer = None

    def _open(self) -> requests.Response:
        answer = ask("GET", self._item.name, {"Range": f"bytes={self._place}-"} if self._place else {}, self._settings)
        try:
            self._check(answer)
            if self._place and answer.status_code != PARTIAL:  # a server that knows no ranges begins again
                self._skip(answer)
        except BaseException:
            answer.close()
            raise
        return answer

    def _check(self, answer: requests.Response) -> None:
        if answer.status_code in {*GONE, SHORTER}:
            raise changed(self._item.name, f"its server answers {answer.status_code}")
        _check_allowed(answer, self._item.name)
        if not self._digest and _revision(answer) != self._item.revision:
            raise changed(self._item.name, "its server names another version")

    def _skip(self, answer: requests.Response) -> None:
        """Read what was read before."""
        left = self._place
        while left:
            data = answer.raw.read(min(left, 1 << 20))
            if not data:
                raise Unreachable("it broke off again")
            left -= len(data)


def _digest(item: PinnedItem) -> hashlib._Hash | None:
    """What the bytes of a file are added to; None where its server's word is its revision."""
    kind = item.revision.partition(":")[0]
    if kind == "blob":  # git's digest of a file
        return hashlib.sha1(b"blob %d\0" % item.size, usedforsecurity=False)
    return hashlib.sha256() if kind == "sha256" else None


def check_host(address: str, settings: Settings, field: str = "data.source.path") -> None:
    """Check an address before its server is asked.

    Where ``TRAINSHED_SOURCE_ROOTS`` is set, it must begin with one of them. Else it may not be one of this machine or of its cloud's own
    services, which answer with keys.

    Raises:
        BadInput: it may not be read.
        Unavailable: its host has no address.
    """
    host = urlsplit(address).hostname
    if not host or not is_web(address):
        raise BadInput(f"{field}: {address} is no address of the web", "https://host/file", "correct the address")
    check_network(address, settings)
    if settings.source_roots:
        if not any(address.startswith(root if root.endswith("/") else f"{root}/") for root in settings.source_roots if is_web(root)):
            raise BadInput(
                f"{field}: sources may not be read from {address}",
                f"a place in {', '.join(settings.source_roots)}",
                "add it to TRAINSHED_SOURCE_ROOTS",
            )
        return
    if get_environ_proxies(address):
        return  # the proxy resolves names, and decides what may be reached
    try:
        found = {str(row[4][0]) for row in getaddrinfo(host, None)}
    except (gaierror, UnicodeError) as error:
        raise Unavailable(f"{field}: the host {host} is not found", "", "correct the address, or check the network") from error
    for one in found:
        place = ip_address(one.partition("%")[0])
        if place.is_loopback or place.is_link_local or place.is_unspecified:
            raise BadInput(
                f"{field}: {host} is this machine, or a service of its cloud",
                "a server of data",
                "name it in TRAINSHED_SOURCE_ROOTS to allow it",
            )


def ask(method: str, address: str, headers: dict[str, str], settings: Settings) -> requests.Response:
    """One request; each redirect is checked like the address itself.

    Args:
        method: of HTTP.
        address: of the file.
        headers: of the request.
        settings: allowed roots; the token of the hub, which no other server is sent.

    Raises:
        BadInput: the address may not be asked.
        Unreachable: no answer, or one that says to try again later.
    """
    place = address
    for _ in range(REDIRECTS + 1):
        check_host(place, settings)
        try:
            answer = requests.request(
                method,
                place,
                headers={"Accept-Encoding": "identity", **headers, **_authorization(place, settings)},
                timeout=TIMEOUT_S,
                stream=True,
                allow_redirects=False,
            )
        except requests.ConnectionError as error:
            raise Unreachable(cause(error)) from error
        except requests.Timeout as error:
            raise Unreachable("timed out") from error
        except (requests.RequestException, ValueError) as error:  # a redirect to what is no address is a ValueError
            raise BadInput(f"{address} cannot be asked: {error}", "", "correct the address") from error
        if answer.status_code in LATER:
            answer.close()
            raise Unreachable(f"it answers {answer.status_code}")
        if not answer.is_redirect:
            return answer
        place = urljoin(place, answer.headers["Location"])
        answer.close()
    raise BadInput(f"{address} redirects more than {REDIRECTS} times", "a file", "correct the address")


def _authorization(address: str, settings: Settings) -> dict[str, str]:
    """The header with the token of the hub, for addresses of the hub."""
    hub = (settings.hub_endpoint or HUB).rstrip("/") + "/"
    return {"Authorization": f"Bearer {settings.hub_token.get_secret_value()}"} if settings.hub_token and address.startswith(hub) else {}


def _check_allowed(answer: requests.Response, address: str) -> None:
    if answer.status_code not in {200, PARTIAL}:
        raise BadInput(
            f"{address}: its server answers {answer.status_code} {answer.reason}", "a file that anybody may read", "correct the address"
        )


def _revision(answer: requests.Response) -> str:
    """What identifies the bytes; empty if the server says nothing."""
    etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    if etag and not etag.startswith("W/"):
        return f"etag:{etag.strip(chr(34))}"
    return f"modified:{modified}" if modified else ""


def retry_policy(address: str, settings: Settings) -> RetryPolicy:
    """How long a server is asked again."""
    host = urlsplit(address).netloc.rpartition("@")[2]
    return RetryPolicy(settings.s3_retry_s, f"the server {host} of data.source.path", "", "try again later, or correct the address")
