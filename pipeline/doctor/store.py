"""The store: each operation that the pipeline needs, tried once under ``probe/`` through the same class.

Leases and the ledger rely on conditional writes: a server that accepts a put whose condition is false lets two attempts commit and two
promotions win. Some servers silently ignore the header, so it is not enough that a conditional put succeeds.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict
from pipeline.doctor.base import Finding, require_answer, with_short_retries
from pipeline.errors import TrainshedError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.artifacts.base import Store
    from pipeline.settings import Settings

ENFORCED = "a refusal: leases and the ledger rely on conditional writes"
ANOTHER = "use a server that enforces If-None-Match and If-Match, in TRAINSHED_S3_ENDPOINT"


def check_store(settings: Settings) -> Iterator[Finding]:
    """Write an object, do what the pipeline does with objects, delete it."""
    store = open_store(with_short_retries(settings))
    if settings.s3_endpoint and store.url.startswith("s3://"):
        require_answer("S3", settings.s3_endpoint)
    key = f"probe/doctor-{uuid.uuid4().hex}"
    store.put(key, b"plain")
    well = True
    for right, ask in OPERATIONS.items():
        finding = _try(right, ask, store, key)
        if finding:
            well = False
            yield finding
    if well:
        yield Finding("ok", f"{store.url} allows writing, reading, listing and deleting, and enforces conditions")


def _try(right: str, ask: Callable[[Store, str], Finding | None], store: Store, key: str) -> Finding | None:
    """Try one operation on a store that accepted a plain put: a refusal is then about this operation alone.

    Raises:
        Unavailable: the store became unreachable meanwhile.
    """
    try:
        return ask(store, key)
    except TrainshedError as error:
        if isinstance(error, Unavailable):
            # a server without conditional writes answers 501: if a plain put still works, it is not unreachable
            store.put(key, b"plain")
        got = f"{store.url} accepts a plain put, but refuses to {right} ({error.got})"
        return Finding(
            "error", got, "an access key that may write, read, list and delete", f"correct the policy of that key; then delete {key}"
        )


def _absent(store: Store, key: str) -> Finding | None:
    try:
        store.put(key, b"if absent", if_absent=True)
    except Conflict:
        return None
    return Finding("error", f"{store.url} accepted a put-if-absent of an object that exists (If-None-Match)", ENFORCED, ANOTHER)


def _unchanged(store: Store, key: str) -> Finding | None:
    old = store.get(key).etag
    store.put(key, b"if unchanged", if_match=old)
    try:
        store.put(key, b"if unchanged, too late", if_match=old)
    except Conflict:
        return None
    return Finding("error", f"{store.url} accepted a put-if-unchanged of an object that has changed (If-Match)", ENFORCED, ANOTHER)


def _read(store: Store, key: str) -> Finding | None:
    store.put(key, b"read back")
    if store.get(key).data == b"read back":
        return None
    return Finding("error", f"{store.url} returns other bytes than were put a moment ago", fix="use a store without a cache in front of it")


def _list(store: Store, key: str) -> Finding | None:
    if key in [stat.key for stat in store.list(key)]:
        return None
    return Finding("error", f"{store.url} does not list an object put a moment ago", "a consistent listing", "use another store")


def _delete(store: Store, key: str) -> Finding | None:
    store.delete(key)
    if store.head(key) is None:
        return None
    return Finding("error", f"{store.url} still has {key} although it was deleted", fix="check the bucket's retention rules")


OPERATIONS: Final[dict[str, Callable[[Store, str], Finding | None]]] = {
    "put if absent": _absent,
    "put if unchanged": _unchanged,
    "read": _read,
    "list": _list,
    "delete": _delete,
}
"""The operations that the pipeline needs, in the words of the message; the last one cleans up."""
