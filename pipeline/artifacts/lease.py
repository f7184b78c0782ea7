"""A lease decides which attempt of a step may commit; a stale attempt that wakes up may not.

The lease is one object with an *epoch* that grows with every holder; each write is conditional on the version read before. A
waiter decides that the holder died when the object has not changed for the time to live. It counts only time in which it could
read the object: during an outage the holder cannot renew either, so an outage is no sign of death. Times are measured on the
waiter's own monotonic clock. Clocks of different machines are never compared.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.artifacts.base import Conflict, NotFound
from pipeline.artifacts.manifest import Frozen
from pipeline.artifacts.sealed import READS
from pipeline.errors import Preempted, TrainshedError

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store, Stored

log = logging.getLogger(__name__)
POLL_S = 0.25
RETRY_S = 1.0


class LeaseRecord(Frozen):
    """Content of the lease object."""

    epoch: int
    """Number of holders so far."""

    owner: str
    """Host, process id and a random part of the holder; empty after a release."""

    beat: int
    """Grows with every renewal."""


class Silence:
    """How long the holder of a lease has not renewed it, as one waiter sees it."""

    def __init__(self, longest_gap_s: float) -> None:
        """Nothing is observed yet.

        Args:
            longest_gap_s: what the time between two observations counts at most, in seconds.
        """
        self.longest_gap_s = longest_gap_s
        self.seconds = 0.0
        self._etag = ""
        self._observed = 0.0

    def observe(self, etag: str) -> float:
        """Take note of the lease object as it is now; returns the silence in seconds."""
        now = time.monotonic()
        self.seconds = self.seconds + min(now - self._observed, self.longest_gap_s) if etag == self._etag else 0.0
        self._etag, self._observed = etag, now
        return self.seconds


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
        self._renewed = 0.0
        self._poll_s = min(POLL_S, ttl_s / 4)
        # half of the gap is the pause between two polls, the rest is for the requests
        self._silence = Silence(2 * self._poll_s)
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
            time.sleep(self._poll_s)
        log.info("lease acquired", extra={"fields": {"epoch": self.epoch}})
        self._renewer.start()
        return True

    def holder(self) -> str | None:
        """Etag of the lease object if an attempt, dead or alive, holds it; it changes with each renewal."""
        try:
            stored, record = self._read()
        except NotFound:
            return None
        return stored.etag if record and record.owner else None

    def wait_until_free(self, wait_s: float) -> bool:
        """Wait at most ``wait_s`` seconds until the holder releases the lease or stops renewing it; writes nothing."""
        until = time.monotonic() + wait_s
        while True:
            etag = self.holder()
            if etag is None or self._silence.observe(etag) >= self.ttl_s:
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(self._poll_s)

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

    def check(self) -> None:
        """Make sure that the lease is ours and was never silent for its time to live; cheap while it is fresh.

        Raises:
            Preempted: another attempt took it over, or could have.
            Unavailable: the store is unreachable.
        """
        silent_s = time.monotonic() - self._renewed
        if silent_s >= self.ttl_s:
            self.lost = True
        if silent_s >= self.ttl_s / 2 or self.lost:
            self.renew()

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
            stored, record = self._read()
        except NotFound:
            return False
        if record is None or (record.epoch, record.owner) != (self.epoch, self.owner):
            return False
        try:
            self._write(self.epoch, self.owner, {"if_match": stored.etag})
        except (Conflict, NotFound):
            return False
        return True

    def _try(self) -> bool:
        try:
            stored, record = self._read()
        except NotFound:
            return self._take(1, {"if_absent": True})
        if record and record.owner:
            if self._silence.observe(stored.etag) < self.ttl_s:
                return False
            log.warning("taking over the lease of %s, which stopped renewing it", record.owner)
        return self._take((record.epoch if record else 0) + 1, {"if_match": stored.etag})

    def _read(self) -> tuple[Stored, LeaseRecord | None]:
        """The object and its record. One that is damaged is read again, because the damage may have happened on the way.

        Returns:
            None for the record of an object that is none: it is taken over at once.

        Raises:
            NotFound: no such object.
        """
        for _ in range(READS):
            stored = self._store.get(self.key)
            with suppress(ValidationError):
                return stored, LeaseRecord.model_validate_json(stored.data)
        return stored, None

    def _take(self, epoch: int, condition: dict[str, object]) -> bool:
        try:
            self._write(epoch, self.owner, condition)
        except (Conflict, NotFound):
            return False
        self.epoch = epoch
        return True

    def _write(self, epoch: int, owner: str, condition: dict[str, object]) -> None:
        self._beat += 1
        began = time.monotonic()
        record = LeaseRecord(epoch=epoch, owner=owner, beat=self._beat)
        self._etag = self._store.put(self.key, record.model_dump_json().encode(), **condition)  # type: ignore[arg-type]
        self._renewed = began

    def _renew_loop(self) -> None:
        pause_s = self.ttl_s / 3
        while not self._done.wait(pause_s):
            pause_s = self.ttl_s / 3
            try:
                self.renew()
            except Preempted as error:
                log.warning("%s", error)
                return
            except TrainshedError as error:
                # after an outage a waiter counts from the first answer on: renew as soon as the store answers
                pause_s = min(RETRY_S, pause_s)
                log.warning("the lease could not be renewed: %s", error)
