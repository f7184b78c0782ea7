"""Checkpoints of a running training, committed like artifacts: blobs first, record last.

A record is at ``training/<fingerprint>/checkpoints/<step>.json`` and contains the metrics that were waiting to be sent. The lease
is renewed immediately before the record is written, so an attempt that lost it cannot commit. The newest two records are kept;
garbage collection removes the blobs of older ones.

A training that stops before its end keeps its state under the fingerprint of the whole training, and leaves it there for a run that
continues. A run reads no state from after its own last step.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from pipeline.artifacts.artifacts import DamagedFile
from pipeline.artifacts.base import Conflict, CorruptObject, NotFound
from pipeline.artifacts.manifest import FileEntry, Frozen
from pipeline.artifacts.sealed import read_record
from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.lease import Lease

log = logging.getLogger(__name__)
KEPT = 2


class Waiting(Protocol):
    """The outbox: metrics that wait for their checkpoint."""

    waiting: list[Any]

    def send(self, run: Any) -> None:  # noqa: ANN401 - this layer does not know what a run is
        """Send the waiting metrics."""


class Checkpoint(Frozen):
    """The record of one checkpoint."""

    step: int
    """Optimizer steps done."""

    epoch: int
    """Epoch of the lease under which it was committed."""

    files: tuple[FileEntry, ...]
    """The files of the training state."""

    points: list[dict[str, Any]]
    """Metrics it covers that were not sent when it was committed."""


class StoredCheckpoints:
    """Implements `pipeline.reporter.Checkpoints` on the store, for the holder of a lease."""

    def __init__(
        self,
        artifacts: Artifacts,
        stage: str,
        fingerprint: str,
        lease: Lease,
        folder: Path,
        outbox: Waiting,
        run: object,
        last_step: int | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            artifacts: where blobs go.
            stage: for the log.
            fingerprint: what is being trained, to its end.
            lease: must be held.
            folder: local folder for downloads.
            outbox: its points are stored in each checkpoint and sent once that is committed.
            run: the MLflow run that the outbox sends to.
            last_step: where this run stops; None for the end of the training.
        """
        self.artifacts, self.stage, self.lease, self.folder, self.outbox, self.run = artifacts, stage, lease, folder, outbox, run
        self.prefix, self.last_step = f"training/{fingerprint}/checkpoints/", last_step

    def newest(self) -> Path | None:
        """Folder of the newest intact checkpoint, or None. A damaged one is quarantined and the one before it is used."""
        for key, record in self._records():
            if self.last_step is not None and record.step > self.last_step:
                continue
            place = self.folder / f"step-{record.step}"
            try:
                self.artifacts.get_files(record.files, place)
            except DamagedFile as error:
                shutil.rmtree(place, ignore_errors=True)
                damaged = [damage.entry for damage in self.artifacts.find_damage(record.files)]
                # all of them: the next attempt at this step stores the same bytes again and must replace each one
                if not [entry for entry in damaged if self.artifacts.quarantine(entry)]:
                    raise Unavailable(f"{error} of checkpoint {record.step} was damaged in transit", "", "run it again") from error
                self._quarantine(key, str(error))
                continue
            self.outbox.waiting = list(record.points)
            self.outbox.send(self.run)
            log.info("resuming from checkpoint", extra={"fields": {"stage": self.stage, "step": record.step}})
            return place
        return None

    def save(self, step: int, folder: Path) -> None:
        """Commit ``folder`` as the checkpoint after ``step`` steps, then send the metrics it covers.

        Raises:
            Preempted: another attempt holds the lease; nothing was committed.
        """
        files = self.artifacts.put_files(folder)
        self.lease.renew()
        record = Checkpoint(step=step, epoch=self.lease.epoch, files=files, points=list(self.outbox.waiting))
        self.artifacts.store.put(f"{self.prefix}{step:09d}.json", record.model_dump_json(indent=2).encode())
        self.artifacts.put_missing_files(files, folder)
        log.info("checkpoint committed", extra={"fields": {"stage": self.stage, "step": step}})
        self.outbox.send(self.run)
        for key in self._keys()[KEPT:]:
            self.artifacts.store.delete(key)

    def clear(self) -> None:
        """Delete all records: the artifact is committed."""
        for key in self._keys():
            self.artifacts.store.delete(key)

    def _keys(self) -> list[str]:
        """Keys of the records, newest first."""
        return sorted((stat.key for stat in self.artifacts.store.list(self.prefix)), reverse=True)

    def _records(self) -> Iterator[tuple[str, Checkpoint]]:
        for key in self._keys():
            try:
                yield key, read_record(self.artifacts.store, key, Checkpoint.model_validate_json)
            except ValidationError as error:
                self._quarantine(key, f"the record cannot be read: {error.errors()[0]['msg']}")
            except CorruptObject as error:
                log.warning("checkpoint %s cannot be read (%s); trying an older one", key, error)
            except NotFound:
                continue

    def _quarantine(self, key: str, reason: str) -> None:
        """Move a record to ``quarantine/``: copy it, verify the copy, then delete it."""
        log.warning("checkpoint %s is damaged (%s); trying an older one", key, reason)
        store = self.artifacts.store
        try:
            stored = store.get(key)
            store.put(f"quarantine/{key}", stored.data)
            if store.get(f"quarantine/{key}").data == stored.data:
                store.delete(key, if_match=stored.etag)
        except (NotFound, Conflict) as error:
            log.info("%s was not moved to quarantine: %s", key, error)
