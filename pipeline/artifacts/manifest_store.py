"""Where manifests are stored: one object for each result, never replaced, and a pointer to the current result.

========================================================  =====================================================
``manifests/<stage>/<fingerprint>/<digest>.json``         the manifest of one result
``manifests/<stage>/<fingerprint>.json``                  the pointer: digest of the current result
========================================================  =====================================================

A second commit of the same fingerprint with other bits (forced, or on another GPU) adds a manifest and moves the pointer. The
older manifest stays, so a reference by digest, e.g. of a ledger entry, still resolves.

Moving the pointer is the moment of a commit. The pointer is read first, then the caller's ``check`` runs (is the lease still
ours?), then the pointer is written on condition that it has not changed since it was read. So an attempt that is paused after
its check, and loses the lease, cannot overwrite the commit of the attempt that followed it.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, ValidationError

from pipeline.artifacts.base import Conflict, CorruptObject, NotFound
from pipeline.artifacts.manifest import Frozen, Manifest, canonical_json, manifest_key, pointer_key
from pipeline.artifacts.sealed import READS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from pipeline.artifacts.base import Stat, Store
    from pipeline.artifacts.manifest import Reference

log = logging.getLogger(__name__)


class Pointer(Frozen):
    """Which result of a fingerprint is the current one."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")
    """Content digest of the result."""

    run: str
    """Id of the run that committed it."""


class Read(NamedTuple):
    """An object as it was read; ``etag`` is None if there is none, ``data`` is empty if it cannot be read."""

    data: bytes
    etag: str | None


class ReadManifest(NamedTuple):
    """An object where a manifest should be: `Read`, and the manifest, or why it is none."""

    data: bytes
    etag: str | None
    manifest: Manifest | None
    problem: str


class ManifestStore:
    """The manifests of one store."""

    def __init__(self, store: Store, refresh_after: timedelta) -> None:
        """Nothing is read yet.

        Args:
            store: where manifests are.
            refresh_after: age at which a commit writes an object again that it reuses; see `pipeline.artifacts.gc`.
        """
        self.store = store
        self.refresh_after = refresh_after

    def current(self, stage: str, fingerprint: str) -> Manifest | None:
        """The current result of a fingerprint; None if there is none, or its manifest is unreadable."""
        digest = read_pointer(self.store, pointer_key(stage, fingerprint))
        return self.get(stage, fingerprint, digest) if digest else None

    def get(self, stage: str, fingerprint: str, digest: str) -> Manifest | None:
        """The manifest of one result; None if there is none, or it is unreadable."""
        key = manifest_key(stage, fingerprint, digest)
        read = _read_manifest(self.store, key)
        if read.problem:
            log.warning("%s counts as absent: %s", key, read.problem)
        return read.manifest

    def references(self, prefix: str = "") -> Iterator[tuple[tuple[str, str, str], Stat]]:
        """Stage, fingerprint and digest of every manifest, with its metadata, in order of the keys.

        Args:
            prefix: what keys begin with, after ``manifests/``.
        """
        for stat in self.store.list(f"manifests/{prefix}"):
            parts = stat.key.removesuffix(".json").split("/")
            if len(parts) == 4:
                yield (parts[1], parts[2], parts[3]), stat

    def add(self, manifest: Manifest) -> Manifest:
        """Store a manifest; one that is there already stays as it is.

        A manifest that is there but unreadable is replaced, after its bytes were copied to ``quarantine/``.

        Returns:
            The manifest in the store.
        """
        while True:
            try:
                self.store.put(manifest.key, manifest.to_bytes(), if_absent=True)
            except Conflict:
                read = _read_manifest(self.store, manifest.key)
                if read.etag is None:
                    continue
                if read.manifest is None:
                    self._copy_to_quarantine(manifest.key, read.data, read.problem)
                    data = manifest.to_bytes()
                elif self._is_old(manifest.key):
                    data = _another_etag(read.data)
                else:
                    return read.manifest
                try:
                    self.store.put(manifest.key, data, if_match=read.etag)
                except Conflict:
                    continue
                return read.manifest or manifest
            return manifest

    def make_current(self, reference: Reference, run: str, check: Callable[[], object]) -> None:
        """Move the pointer of a fingerprint to one of its results.

        Args:
            reference: the result; its manifest is stored already.
            run: id of the run that commits.
            check: raises if the caller may not commit; runs immediately before the pointer is written.
        """
        key = pointer_key(reference.stage, reference.fingerprint)
        wanted = Pointer(digest=reference.digest, run=run).model_dump_json(indent=2).encode()
        while True:
            read = _read(self.store, key)
            pointer = _pointer(read)
            data = wanted
            if pointer and pointer.digest == reference.digest:
                if not self._is_old(key):
                    return
                data = _another_etag(read.data)
            check()
            try:
                if read.etag is None:
                    self.store.put(key, data, if_absent=True)
                else:
                    self.store.put(key, data, if_match=read.etag)
            except Conflict:
                continue
            return

    def _is_old(self, key: str) -> bool:
        stat = self.store.head(key)
        return stat is not None and datetime.now(UTC) - stat.modified >= self.refresh_after

    def _copy_to_quarantine(self, key: str, data: bytes, reason: str) -> None:
        """Keep the bytes of an object that is about to be replaced; no bytes, no copy.

        Raises:
            Conflict: the copy is not what was written.
        """
        log.warning("%s is replaced: %s", key, reason)
        if not data:
            return
        record = {"reason": reason, "time": datetime.now(UTC).isoformat(), "key": key, "data": data.decode(errors="backslashreplace")}
        copy, written = f"quarantine/{key.removesuffix('.json')}-{hashlib.sha256(data).hexdigest()[:12]}.json", canonical_json(record)
        self.store.put(copy, written)
        if self.store.get(copy).data != written:
            raise Conflict(f"{copy} changed while it was written")


def _read_manifest(store: Store, key: str) -> ReadManifest:
    """Read a manifest; one that is damaged is read again, because the damage may have happened on the way."""
    problem = ""
    for _ in range(READS):
        read = _read(store, key)
        try:
            return ReadManifest(*read, _parse(read, key) if read.etag else None, "")
        except ValueError as error:
            problem = str(error).splitlines()[0]
    return ReadManifest(*read, None, problem)


def _parse(read: Read, key: str) -> Manifest:
    """The manifest in ``read``.

    Raises:
        ValueError: it is none, or belongs to another key.
    """
    if not read.data:
        raise ValueError("its bytes cannot be read")
    manifest = Manifest.from_bytes(read.data)
    if manifest.key != key or manifest.fingerprint != manifest.parts.fingerprint:
        raise ValueError("it belongs to another artifact")
    return manifest


def read_pointer(store: Store, key: str) -> str | None:
    """Digest of the current result, from the pointer at ``key``; None if there is none, or it is unreadable."""
    for _ in range(READS):
        read = _read(store, key)
        pointer = _pointer(read)
        if pointer or read.etag is None:
            break
    return pointer.digest if pointer else None


def _read(store: Store, key: str) -> Read:
    try:
        return Read(*store.get(key))
    except NotFound:
        return Read(b"", None)
    except CorruptObject:
        stat = store.head(key)
        return Read(b"", stat.etag if stat else None)


def _pointer(read: Read) -> Pointer | None:
    try:
        return Pointer.model_validate_json(read.data) if read.data else None
    except ValidationError:
        return None


def _another_etag(data: bytes) -> bytes:
    """The same JSON in other bytes: with a line end, or without."""
    return data[:-1] if data.endswith(b"\n") else data + b"\n"
