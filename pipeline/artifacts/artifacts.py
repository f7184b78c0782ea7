"""Find, commit, open and quarantine artifacts.

A commit writes blobs first, then the manifest, then moves the pointer, so an artifact exists completely or not at all.

A quarantine deletes nothing. A blob whose bytes are wrong gets a record at ``quarantine/blobs/<sha256>.json`` that names the etag
of the damaged object. While the blob has this etag, every artifact that contains it counts as incomplete and is rebuilt; the
rebuild writes the blob again, with another etag, and the record no longer applies.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from pipeline.artifacts.base import CorruptObject, NotFound, no_beat
from pipeline.artifacts.cache import WrongBytes, hash_file, read_blob
from pipeline.artifacts.manifest import FileEntry, Frozen, Manifest, Parts, Provenance, Reference, blob_key
from pipeline.artifacts.manifest_store import ManifestStore
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import Damaged, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.artifacts.base import Stat, Store
    from pipeline.artifacts.cache import Cache

log = logging.getLogger(__name__)
TRANSFERS = 8
REFRESH_AFTER = timedelta(hours=12)
"""Age at which a commit writes an object again that it reuses. Less than `pipeline.artifacts.gc.Ages.young`: what garbage
collection may have found unused by now gets another etag, and its conditional delete fails."""


class Draft(Frozen):
    """A manifest before its files are known."""

    type: ArtifactType
    stage: str
    parts: Parts
    inputs: dict[str, Reference]
    counts: dict[str, int] = {}
    metrics: dict[str, float] = {}
    intermediates: tuple[str, ...] = ()
    provenance: Provenance


class DamagedBlob(Frozen):
    """The quarantine record of one blob."""

    etag: str
    """Etag of the damaged object; the record applies only while the blob has it."""

    reason: str
    """What is wrong, in one line."""

    time: datetime
    """When it was found, with time zone."""


class Damage(NamedTuple):
    """One damaged file of an artifact."""

    entry: FileEntry
    what: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.entry.path} ({blob_key(self.entry.sha256)[:18]}…): {self.what}"


class Artifacts:
    """All artifacts of one store, behind a local cache."""

    def __init__(self, store: Store, cache: Cache, *, read_only: bool = False, refresh_after: timedelta = REFRESH_AFTER) -> None:
        """Nothing is read yet.

        Args:
            store: where artifacts are.
            cache: where their files are kept locally.
            read_only: never write to the store: damage is reported, but not recorded.
            refresh_after: age at which a commit writes an object again that it reuses.
        """
        self.store = store
        self.cache = cache
        self.read_only = read_only
        self.refresh_after = refresh_after
        self.manifest_store = ManifestStore(store, refresh_after)
        self.beat: Callable[[], None] = no_beat
        """Called for every piece that is read, hashed or sent: a transfer that makes progress is not stuck."""

    def find(self, stage: str, fingerprint: str) -> Manifest | None:
        """The current result of a fingerprint; None if there is none, or its manifest is unreadable."""
        return self.manifest_store.current(stage, fingerprint)

    def resolve(self, reference: Reference) -> Manifest | None:
        """The manifest of exactly this result, current or not; None if it does not exist or is unreadable."""
        return self.manifest_store.get(reference.stage, reference.fingerprint, reference.digest)

    def manifests(self, stage: str | None = None) -> Iterator[Manifest]:
        """All artifacts, or those of one stage, in order of their keys; every result of a fingerprint."""
        for address, _ in self.manifest_store.references(f"{stage}/" if stage else ""):
            manifest = self.manifest_store.get(*address)
            if manifest:
                yield manifest

    def newest(self, stage: str, limit: int) -> Iterator[Manifest]:
        """The manifests of a stage that were written last, newest first."""
        found = sorted(self.manifest_store.references(f"{stage}/"), key=lambda pair: pair[1].modified, reverse=True)
        for address, _ in found[:limit]:
            manifest = self.manifest_store.get(*address)
            if manifest:
                yield manifest

    def missing(self, manifest: Manifest) -> list[Damage]:
        """Files whose blob is not in the store, has another size, or is quarantined."""
        return self.missing_files(manifest.files)

    def missing_files(self, files: Iterable[FileEntry]) -> list[Damage]:
        """The entries of ``files`` whose blob is not in the store, has another size, or is quarantined; one request per blob."""
        asked = list({(entry.sha256, entry.size): entry for entry in files}.values())
        quarantined = self._quarantined({entry.sha256 for entry in asked})

        def check(entry: FileEntry) -> Damage | None:
            stat = self.store.head(blob_key(entry.sha256))
            self.beat()
            if stat is None:
                return Damage(entry, "it is not in the store")
            if stat.size != entry.size:
                return Damage(entry, f"it has {stat.size} bytes instead of {entry.size}")
            record = quarantined.get(entry.sha256)
            return Damage(entry, record.reason) if record and record.etag == stat.etag else None

        with ThreadPoolExecutor(TRANSFERS) as pool:
            return [damage for damage in pool.map(check, asked) if damage]

    def verify(self, manifest: Manifest) -> list[Damage]:
        """Read every blob through the store and compare its digest."""
        return self.find_damage(manifest.files)

    def verify_and_record(self, manifest: Manifest) -> list[Damage]:
        """Like `verify`; quarantines damaged blobs, and deletes the quarantine records of blobs that are good after all."""
        damaged = [damage for damage in self.verify(manifest) if self.quarantine(damage.entry)]
        good = {entry.sha256 for entry in manifest.files} - {damage.entry.sha256 for damage in damaged}
        for sha256 in self._quarantined(good):
            self.store.delete(quarantine_key(sha256))
        return damaged

    def find_damage(self, files: Sequence[FileEntry]) -> list[Damage]:
        """The entries of ``files`` whose blob is missing or wrong; reads all of them."""
        with ThreadPoolExecutor(TRANSFERS) as pool:
            return [damage for damage in pool.map(self._check_blob, files) if damage]

    def commit(self, draft: Draft, folder: Path, *, check: Callable[[], object] = no_beat) -> Manifest:
        """Store the files of ``folder``, then the manifest, then make it the current result of its fingerprint.

        An older result of the same fingerprint keeps its manifest and stays reachable by its digest.

        Args:
            draft: what the manifest says apart from the files.
            folder: holds the files.
            check: raises if the caller may not commit, e.g. because it lost its lease.

        Returns:
            The manifest in the store.
        """
        manifest = Manifest(**dict(draft), fingerprint=draft.parts.fingerprint, files=self.put_files(folder))
        check()
        stored = self.manifest_store.add(manifest)
        self.manifest_store.make_current(stored.reference, manifest.provenance.run, check)
        self.put_missing_files(stored.files, folder)
        return stored

    def put_files(self, folder: Path) -> tuple[FileEntry, ...]:
        """Store the files of ``folder`` as blobs, in parallel.

        A blob that the store has is not sent again, unless it is old, has another size, or is quarantined.
        """
        paths = sorted(path for path in folder.rglob("*") if path.is_file())

        def describe(path: Path) -> FileEntry:
            return FileEntry(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=hash_file(path, self.beat))

        with ThreadPoolExecutor(TRANSFERS) as pool:
            files = tuple(sorted(pool.map(describe, paths), key=lambda entry: entry.path))
        quarantined = self._quarantined({entry.sha256 for entry in files})
        blobs = list({entry.sha256: entry for entry in files}.values())
        with ThreadPoolExecutor(TRANSFERS) as pool:
            list(pool.map(lambda entry: self._send(folder / entry.path, entry, quarantined.get(entry.sha256)), blobs))
        return files

    def put_missing_files(self, files: Sequence[FileEntry], folder: Path) -> None:
        """Check after a commit that all its blobs are there, and send again what is not.

        Args:
            files: what was committed.
            folder: holds the files.
        """
        for _ in range(3):
            missing = self.missing_files(files)
            if not missing:
                return
            log.warning("%s is gone since it was stored; it is sent again", missing[0])
            self.put_files(folder)
        raise Unavailable(f"{missing[0]} although it was sent again", "", "run it again")

    def _send(self, path: Path, entry: FileEntry, record: DamagedBlob | None) -> None:
        key = blob_key(entry.sha256)
        stat = self.store.head(key)
        if stat is not None and not self._must_replace(stat, entry, record):
            return
        self.store.upload(path, key, replaces=stat, beat=self.beat)

    def _must_replace(self, stat: Stat, entry: FileEntry, record: DamagedBlob | None) -> bool:
        damaged = stat.size != entry.size or (record is not None and record.etag == stat.etag)
        return damaged or datetime.now(UTC) - stat.modified >= self.refresh_after

    def open(self, manifest: Manifest, folder: Path, parts: Collection[str] = ()) -> Path:
        """Fetch the files of an artifact into ``folder``, read-only and verified.

        Args:
            manifest: the artifact.
            folder: where the files go.
            parts: which of its parts are fetched; empty for all.

        Raises:
            Damaged: a blob is missing or wrong; it is quarantined.
            Unavailable: bytes were damaged in transit, or the store is unreachable.
        """
        try:
            self.get_files(manifest.files_of(parts), folder)
        except DamagedFile as error:
            if not self.quarantine(error.entry):
                raise Unavailable(f"{error.entry.path} was damaged in transit", "", "run it again") from error
            label = f"{manifest.stage} {manifest.fingerprint[:12]}"
            raise Damaged(f"{label} is damaged: {error}", "", "run the recipe again; this artifact is rebuilt") from error
        return folder

    def get_files(self, files: Sequence[FileEntry], folder: Path) -> None:
        """Fetch files into ``folder`` through the cache, in parallel.

        Raises:
            DamagedFile: a blob is missing or wrong.
        """

        def fetch(entry: FileEntry) -> None:
            try:
                self.cache.fetch(self.store, entry, folder / entry.path, self.beat)
            except WrongBytes as error:
                raise DamagedFile(entry, str(error)) from error

        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(TRANSFERS) as pool:
            list(pool.map(fetch, files))
        # once for all files: a trim scans the whole cache
        self.cache.trim()

    def quarantine(self, entry: FileEntry) -> bool:
        """Read a blob that was found damaged once more, and record the damage if it is real; nothing is deleted.

        Returns:
            False if the blob is good after all.
        """
        key = blob_key(entry.sha256)
        stat = self.store.head(key)
        damage = self._check_blob(entry)
        if damage is None:
            return False
        log.warning("%s %s", "damaged:" if self.read_only else "quarantined", damage)
        if stat is not None and not self.read_only:
            record = DamagedBlob(etag=stat.etag, reason=damage.what, time=datetime.now(UTC))
            self.store.put(quarantine_key(entry.sha256), record.model_dump_json(indent=2).encode())
        return True

    def _quarantined(self, digests: set[str]) -> dict[str, DamagedBlob]:
        """The quarantine records of blobs, by digest."""
        found = {}
        for stat in self.store.list(quarantine_key("").removesuffix(".json")):
            sha256 = stat.key.rpartition("/")[2].removesuffix(".json")
            if sha256 in digests:
                try:
                    found[sha256] = DamagedBlob.model_validate_json(self.store.get(stat.key).data)
                except (NotFound, CorruptObject, ValidationError) as error:
                    log.warning("%s is ignored: %s", stat.key, error)
        return found

    def _check_blob(self, entry: FileEntry) -> Damage | None:
        try:
            read_blob(self.store, entry, beat=self.beat)
        except WrongBytes as error:
            return Damage(entry, str(error))
        return None


class DamagedFile(Exception):
    """One file of an artifact is missing or wrong."""

    def __init__(self, entry: FileEntry, what: str) -> None:
        super().__init__(str(Damage(entry, what)))
        self.entry = entry


def quarantine_key(sha256: str) -> str:
    """Key of the quarantine record of a blob."""
    return f"quarantine/blobs/{sha256}.json"
