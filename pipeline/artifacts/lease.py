"""A lease decides which attempt of a step may commit; a stale attempt that wakes up may not.

The lease is one object with an *epoch* that grows with every holder; each write is conditional on the version read before. A
waiter decides that the holder died when the object has not changed for the time to live, measured on the waiter's own
monotonic clock. Clocks of different machines are never compared.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.artifacts.base import Conflict, NotFound
from pipeline.artifacts.manifest import Frozen
from pipeline.errors import Preempted, TrainshedError

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store, Stored

log = logging.getLogger(__name__)
POLL_S = 0.25


class LeaseRecord(Frozen):
    """Content of the lease object."""

    epoch: int
    """Number of holders so far."""

    owner: str
    """Host, process id and a random part of the holder; empty after a release."""

    beat: int
    """Grows with every renewal."""


class Lease:
    """The lease of one fingerprint, for one attempt."""

    def __init__(self, store: Store, fingerprint: str, *, ttl_s: float) -> None:
        """Nothing is written before `acquire`.

        Args:
            store: where the lease is kept.
            fingerprint: what is being made.
            ttl_s: time to live: how long a holder may go without a renewal, in seconds.
        """
        self.key = f"leases/{fingerprint}.json"
        self.ttl_s = ttl_s
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.epoch = 0
        self.lost = False
        self._store = store
        self._etag = ""
        self._beat = 0
        self._seen: tuple[str, float] | None = None
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._renewer = threading.Thread(target=self._renew_loop, name="lease", daemon=True)

    def acquire(self, wait_s: float) -> bool:
        """Try to become the holder for at most ``wait_s`` seconds; observations carry over to the next call.

        Returns:
            False while a live attempt holds it.
        """
        until = time.monotonic() + wait_s
        while not self._try():
            if time.monotonic() >= until:
                return False
            time.sleep(min(POLL_S, self.ttl_s / 4))
        log.info("lease acquired", extra={"fields": {"epoch": self.epoch}})
        self._renewer.start()
        return True

    def renew(self) -> None:
        """Renew the lease, and make sure that it is still ours.

        Raises:
            Preempted: another attempt took it over.
            Unavailable: the store is unreachable.
        """
        with self._lock:
            if not self.lost:
                try:
                    self._write(self.epoch, self.owner, {"if_match": self._etag})
                except (Conflict, NotFound):
                    self.lost = not self._still_ours()
            if self.lost:
                raise Preempted("another attempt holds the lease of this step", "", "none needed; the other attempt continues")

    def release(self) -> None:
        """Release the lease so that the next attempt need not wait; no error if it is not held."""
        self._done.set()
        with self._lock:
            if self.epoch and not self.lost:
                try:
                    self._write(self.epoch, "", {"if_match": self._etag})
                except TrainshedError as error:
                    log.warning("the lease could not be released: %s", error)
            self.epoch = 0

    def _still_ours(self) -> bool:
        """Whether the object changed through our own renewal, whose response was lost."""
        try:
            stored = self._store.get(self.key)
        except NotFound:
            return False
        record = _read(stored)
        if record is None or (record.epoch, record.owner) != (self.epoch, self.owner):
            return False
        try:
            self._write(self.epoch, self.owner, {"if_match": stored.etag})
        except (Conflict, NotFound):
            return False
        return True

    def _try(self) -> bool:
        try:
            stored = self._store.get(self.key)
        except NotFound:
            return self._take(1, {"if_absent": True})
        record = _read(stored)
        if record and record.owner:
            now = time.monotonic()
            if self._seen is None or self._seen[0] != stored.etag:
                self._seen = (stored.etag, now)
            if now - self._seen[1] < self.ttl_s:
                return False
            log.warning("taking over the lease of %s, which stopped renewing it", record.owner)
        return self._take((record.epoch if record else 0) + 1, {"if_match": stored.etag})

    def _take(self, epoch: int, condition: dict[str, object]) -> bool:
        try:
            self._write(epoch, self.owner, condition)
        except (Conflict, NotFound):
            return False
        self.epoch = epoch
        return True

    def _write(self, epoch: int, owner: str, condition: dict[str, object]) -> None:
        self._beat += 1
        record = LeaseRecord(epoch=epoch, owner=owner, beat=self._beat)
        self._etag = self._store.put(self.key, record.model_dump_json().encode(), **condition)  # type: ignore[arg-type]

    def _renew_loop(self) -> None:
        while not self._done.wait(self.ttl_s / 3):
            try:
                self.renew()
            except Preempted as error:
                log.warning("%s", error)
                return
            except TrainshedError as error:
                log.warning("the lease could not be renewed: %s", error)


def _read(stored: Stored) -> LeaseRecord | None:
    """The record, or None if the object is not a lease record: it is then taken over at once."""
    try:
        return LeaseRecord.model_validate_json(stored.data)
    except ValidationError:
        return None
