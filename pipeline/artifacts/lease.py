"""A lease says which attempt of a step may commit, so that a stale one that wakes up cannot.

The lease is one object with an *epoch* that grows with every holder; each write is conditional on the version read before. That
a holder died is judged by watching: when the object has not changed for the lease's time to live on the watcher's own
monotonic clock, it is taken over. Clocks of different machines are never compared.
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
LOOK_EVERY_S = 0.25


class LeaseRecord(Frozen):
    """What the lease object holds."""

    epoch: int
    """Number of holders so far."""

    owner: str
    """Host, process and a random part of the holder, for people; empty when it let go."""

    beat: int
    """Grows with every renewal."""


class Lease:
    """The lease of one fingerprint, as one attempt sees it."""

    def __init__(self, store: Store, fingerprint: str, *, ttl_s: float) -> None:
        """Nothing is written before `acquire`.

        Args:
            store: where the lease lies.
            fingerprint: what is being made.
            ttl_s: how long a holder may show no sign of life, in seconds.
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
        """Try to become the holder for at most ``wait_s`` seconds; what was observed is kept for the next call.

        Returns:
            False while a live attempt holds it.
        """
        until = time.monotonic() + wait_s
        while not self._try():
            if time.monotonic() >= until:
                return False
            time.sleep(min(LOOK_EVERY_S, self.ttl_s / 4))
        log.info("lease acquired", extra={"fields": {"epoch": self.epoch}})
        self._renewer.start()
        return True

    def renew(self) -> None:
        """Show a sign of life, and make sure that the lease is still ours.

        Raises:
            Preempted: another attempt took it over.
            Unavailable: the store is away.
        """
        with self._lock:
            if not self.lost:
                try:
                    self._write(self.epoch, self.owner, {"if_match": self._etag})
                except (Conflict, NotFound):
                    self.lost = not self._still_ours()
            if self.lost:
                raise Preempted("another attempt holds the lease of this step", "to be the only one", "nothing: the other attempt goes on")

    def release(self) -> None:
        """Let go, so that the next attempt need not wait; no error when it is not held."""
        self._done.set()
        with self._lock:
            if self.epoch and not self.lost:
                try:
                    self._write(self.epoch, "", {"if_match": self._etag})
                except TrainshedError as error:
                    log.warning("the lease could not be released: %s", error)
            self.epoch = 0

    def _still_ours(self) -> bool:
        """Whether what changed the object was a renewal of our own that went through although the store never answered."""
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
            log.warning("taking over from %s, which shows no sign of life", record.owner)
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
    """The record, or None for an object that is none: it is then taken over at once."""
    try:
        return LeaseRecord.model_validate_json(stored.data)
    except ValidationError:
        return None
