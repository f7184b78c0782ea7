"""The store: everything the pipeline does with it, done once below ``probe/``, through the same class.

Leases and the ledger rest on conditional writes: a server that takes a put although its condition does not hold lets two attempts
commit and two promotions win. Some servers ignore the header without a word, so it is not enough that a conditional put succeeds.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict
from pipeline.doctor.base import Finding, hurried, require_answer
from pipeline.errors import TrainshedError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.artifacts.base import Store
    from pipeline.settings import Settings

ENFORCED = "a store that refuses it: leases and the ledger rest on conditional writes"
ANOTHER = "use a server that enforces If-None-Match and If-Match, in TRAINSHED_S3_ENDPOINT"


def check_store(settings: Settings) -> Iterator[Finding]:
    """Write an object, do with it what the pipeline does, remove it."""
    store = open_store(hurried(settings))
    if settings.s3_endpoint and store.url.startswith("s3://"):
        require_answer("S3", settings.s3_endpoint)
    key = f"probe/doctor-{uuid.uuid4().hex}"
    store.put(key, b"plain")
    well = True
    for right, ask in RIGHTS.items():
        finding = _ask(right, ask, store, key)
        if finding:
            well = False
            yield finding
    if well:
        yield Finding("ok", f"{store.url} writes, reads, lists and deletes, and enforces conditions")


def _ask(right: str, ask: Callable[[Store, str], Finding | None], store: Store, key: str) -> Finding | None:
    """Ask one thing of a store that took a plain put: a refusal now is about this thing alone.

    Raises:
        Unavailable: the store went away meanwhile.
    """
    try:
        return ask(store, key)
    except TrainshedError as error:
        if isinstance(error, Unavailable):
            # a server that has no conditional writes answers 501: if a plain put still works, it is not away
            store.put(key, b"plain")
        got = f"{store.url} takes a plain put, but does not let us {right} ({error.got})"
        return Finding("wrong", got, "a key that may write, read, list and delete", f"correct the policy of that key; {key} may be left")


def _absent(store: Store, key: str) -> Finding | None:
    try:
        store.put(key, b"if absent", if_absent=True)
    except Conflict:
        return None
    return Finding("wrong", f"{store.url} took a put-if-absent of an object that exists (If-None-Match)", ENFORCED, ANOTHER)


def _unchanged(store: Store, key: str) -> Finding | None:
    old = store.get(key).etag
    store.put(key, b"if unchanged", if_match=old)
    try:
        store.put(key, b"if unchanged, too late", if_match=old)
    except Conflict:
        return None
    return Finding("wrong", f"{store.url} took a put-if-unchanged of an object that has changed (If-Match)", ENFORCED, ANOTHER)


def _read(store: Store, key: str) -> Finding | None:
    store.put(key, b"read back")
    if store.get(key).data == b"read back":
        return None
    return Finding(
        "wrong", f"{store.url} gives other bytes than were put a moment ago", "what was put", "use a store without a cache before it"
    )


def _list(store: Store, key: str) -> Finding | None:
    if key in [stat.key for stat in store.list(key)]:
        return None
    return Finding("wrong", f"{store.url} does not list an object put a moment ago", "a listing that is up to date", "use another store")


def _delete(store: Store, key: str) -> Finding | None:
    store.delete(key)
    if store.head(key) is None:
        return None
    return Finding("wrong", f"{store.url} keeps {key} though it was deleted", "an object that is gone", "see the bucket's retention rules")


RIGHTS: Final[dict[str, Callable[[Store, str], Finding | None]]] = {
    "put if absent": _absent,
    "put if unchanged": _unchanged,
    "read": _read,
    "list": _list,
    "delete": _delete,
}
"""What the pipeline needs, in the words of the message; the last one cleans up."""
