"""The clock: this machine's against the ``Date`` that the S3 server, or else MLflow, puts into its answers.

S3 refuses signatures of another time, leases and logs are compared between machines.
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

NOTED_S = 5.0
REFUSED_S = 300.0
HALF_A_SECOND = 0.5
"""A Date has whole seconds, cut off."""


class Watch(NamedTuple):
    """One server's clock, read once."""

    url: str
    behind_s: float
    """By how much ours is behind; negative where it is ahead."""


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Compare with the first server that tells the time."""
    urls = [settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com"] if settings.store.startswith("s3://") else []
    urls.append(f"{settings.mlflow_uri.rstrip('/')}/health")
    watch = next((found for url in urls if (found := read_clock(url))), None)
    if watch is None:
        raise Unavailable("no server tells the time", "a Date in an answer of the S3 server or of MLflow", "start one, see the rows above")
    way = f"{abs(watch.behind_s):.0f} s {'behind' if watch.behind_s > 0 else 'ahead of'} that of {watch.url}"
    fix = "have both machines set their clocks by NTP"
    if abs(watch.behind_s) > REFUSED_S:
        yield Finding("wrong", f"the clock here is {way}: S3 refuses such signatures", "the same time within a few seconds", fix)
    elif abs(watch.behind_s) > NOTED_S:
        yield Finding("warning", f"the clock here is {way}", f"the same time within {NOTED_S:.0f} s", fix)
    else:
        yield Finding("ok", f"the same time as {watch.url}, within {NOTED_S:.0f} s")


def read_clock(url: str) -> Watch | None:
    """What a server's clock says against ours; None when it does not answer, or does not tell."""
    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    before = time.time()
    try:
        with session.get(url, timeout=RETRY_S, stream=True, allow_redirects=False) as answer:
            middle = (before + time.time()) / 2
            told = parsedate_to_datetime(answer.headers["Date"]).timestamp() + HALF_A_SECOND
    except (requests.RequestException, KeyError, ValueError):
        return None
    return Watch(url, told - middle)
