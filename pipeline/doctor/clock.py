"""The clock: this machine's against the ``Date`` header of the S3 server, or else of MLflow.

S3 refuses signatures with another time, and leases and logs of several machines are compared.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import requests

from pipeline.artifacts.s3_client import LOOPBACK
from pipeline.doctor.base import RETRY_S, Finding
from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

WARN_S = 5.0
REFUSED_S = 300.0
HALF_A_SECOND = 0.5
"""A Date header has whole seconds, rounded down."""


class ServerClock(NamedTuple):
    """One server's clock, read once."""

    url: str
    behind_s: float
    """How far our clock is behind, in seconds; negative if it is ahead."""


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Compare with the first server that sends a Date header."""
    urls = [settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com"] if settings.store.startswith("s3://") else []
    urls.append(f"{settings.mlflow_uri.rstrip('/')}/health")
    server = next((found for url in urls if (found := read_clock(url))), None)
    if server is None:
        raise Unavailable("no server sent a Date header", "one from the S3 server or MLflow", "start one, see the rows above")
    way = f"{abs(server.behind_s):.0f} s {'behind' if server.behind_s > 0 else 'ahead of'} that of {server.url}"
    fix = "synchronize both machines by NTP"
    if abs(server.behind_s) > REFUSED_S:
        yield Finding("error", f"the clock here is {way}: S3 refuses such signatures", "the same time within a few seconds", fix)
    elif abs(server.behind_s) > WARN_S:
        yield Finding("warning", f"the clock here is {way}", f"the same time within {WARN_S:.0f} s", fix)
    else:
        yield Finding("ok", f"the same time as {server.url}, within {WARN_S:.0f} s")


def read_clock(url: str) -> ServerClock | None:
    """A server's clock compared with ours; None if it does not answer, or sends no Date header."""
    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    before = time.time()
    try:
        with session.get(url, timeout=RETRY_S, stream=True, allow_redirects=False) as answer:
            middle = (before + time.time()) / 2
            sent = parsedate_to_datetime(answer.headers["Date"]).timestamp() + HALF_A_SECOND
    except (requests.RequestException, KeyError, ValueError):
        return None
    return ServerClock(url, sent - middle)
