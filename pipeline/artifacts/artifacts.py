"""Find, commit, open and quarantine artifacts.

A commit writes blobs first and the manifest last, so an artifact exists completely or not at all. A quarantine works in the
opposite order: it removes the manifest first, so that nobody finds an artifact whose blobs are being removed.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.artifacts.base import Conflict, CorruptObject, NotFound
from pipeline.artifacts.cache import WrongBytes, hash_file, read_blob
from pipeline.artifacts.manifest import FileEntry, Frozen, Manifest, Parts, Provenance, Reference, blob_key, canonical_json, manifest_key
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.artifacts.base import Store
    from pipeline.artifacts.cache import Cache

log = logging.getLogger(__name__)
TRANSFERS = 8


class Draft(Frozen):
    """A manifest before its files are known."""

    type: ArtifactType
    stage: str
    parts: Parts
    inputs: dict[str, Reference]
    counts: dict[str, int] = {}
    metrics: dict[str, float] = {}
    provenance: Provenance


class Damage(NamedTuple):
    """One damaged file of an artifact."""

    entry: FileEntry
    what: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.entry.path} ({blob_key(self.entry.sha256)[:18]}…): {self.what}"


class Artifacts:
    """All artifacts of one store, behind a local cache."""

    def __init__(self, store: Store, cache: Cache) -> None:
        """Nothing is read yet."""
        self.store = store
        self.cache = cache

    def find(self, stage: str, fingerprint: str) -> Manifest | None:
        """The manifest of an artifact; None if it does not exist. An unreadable manifest is quarantined and counts as absent."""
        try:
            stored = self.store.get(manifest_key(stage, fingerprint))
        except NotFound:
            return None
        except CorruptObject as error:
            self.quarantine(stage, fingerprint, str(error))
            return None
        try:
            manifest = Manifest.from_bytes(stored.data)
        except ValueError as error:
            self.quarantine(stage, fingerprint, f"the manifest cannot be read: {str(error).splitlines()[0]}")
            return None
        if not manifest.fingerprint == manifest.parts.fingerprint == fingerprint or manifest.stage != stage:
            self.quarantine(stage, fingerprint, "the manifest belongs to another artifact")
            return None
        return manifest

    def manifests(self, stage: str | None = None) -> Iterator[Manifest]:
        """All artifacts, or those of one stage, in order of their keys."""
        for stat in self.store.list(f"manifests/{stage}/" if stage else "manifests/"):
            _, of, name = stat.key.split("/")
            manifest = self.find(of, name.removesuffix(".json"))
            if manifest:
                yield manifest

    def missing(self, manifest: Manifest) -> list[FileEntry]:
        """Files whose blob is not in the store, or has another size."""
        return self.missing_files(manifest.files)

    def missing_files(self, files: Iterable[FileEntry]) -> list[FileEntry]:
        """The entries of ``files`` whose blob is not in the store, or has another size; one request per blob."""
        asked = list({(entry.sha256, entry.size): entry for entry in files}.values())

        def gone(entry: FileEntry) -> bool:
            stat = self.store.head(blob_key(entry.sha256))
            return stat is None or stat.size != entry.size

        with ThreadPoolExecutor(TRANSFERS) as pool:
            return [entry for entry, answer in zip(asked, pool.map(gone, asked), strict=True) if answer]

    def verify(self, manifest: Manifest) -> list[Damage]:
        """Read every blob through the store and compare its digest."""
        return self.find_damage(manifest.files)

    def find_damage(self, files: Sequence[FileEntry]) -> list[Damage]:
        """The entries of ``files`` whose blob is missing or wrong; reads all of them."""
        with ThreadPoolExecutor(TRANSFERS) as pool:
            return [damage for damage in pool.map(self._check_blob, files) if damage]

    def commit(self, draft: Draft, folder: Path) -> Manifest:
        """Store the files of ``folder`` and then, last, the manifest.

        If the artifact exists with the same files, nothing changes. With other files its manifest is replaced: this is
        how a forced rebuild, or the repair of a damaged artifact, takes effect.

        Args:
            draft: what the manifest says apart from the files.
            folder: holds the files.

        Returns:
            The manifest in the store.
        """
        manifest = Manifest(**dict(draft), fingerprint=draft.parts.fingerprint, files=self.put_files(folder))
        while True:
            try:
                self.store.put(manifest.key, manifest.to_bytes(), if_absent=True)
            except Conflict:
                there = self.find(manifest.stage, manifest.fingerprint)
                if there is None:
                    continue
                if there.digest == manifest.digest:
                    return there
                try:
                    self.store.put(manifest.key, manifest.to_bytes(), if_match=self.store.get(manifest.key).etag)
                except (Conflict, NotFound):
                    continue
            return manifest

    def put_files(self, folder: Path) -> tuple[FileEntry, ...]:
        """Store the files of ``folder`` as blobs, in parallel; a blob that the store has is not sent again."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())

        def send(path: Path) -> FileEntry:
            entry = FileEntry(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=hash_file(path))
            stat = self.store.head(blob_key(entry.sha256))
            if stat is not None and stat.size != entry.size:
                self.drop_blob(entry)
            self.store.upload(path, blob_key(entry.sha256))
            return entry

        with ThreadPoolExecutor(TRANSFERS) as pool:
            return tuple(sorted(pool.map(send, paths), key=lambda entry: entry.path))

    def open(self, manifest: Manifest, folder: Path) -> Path:
        """Fetch the files of an artifact into ``folder``, read-only and verified.

        Raises:
            Damaged: a blob is missing or wrong; the artifact is quarantined.
        """
        try:
            self.get_files(manifest.files, folder)
        except DamagedFile as error:
            self.drop_blob(error.entry)
            self.quarantine(manifest.stage, manifest.fingerprint, str(error))
            label = f"{manifest.stage} {manifest.fingerprint[:12]}"
            raise Damaged(f"{label} is damaged and quarantined: {error}", "", "run the recipe again; this artifact is rebuilt") from error
        return folder

    def get_files(self, files: Sequence[FileEntry], folder: Path) -> None:
        """Fetch files into ``folder`` through the cache, in parallel.

        Raises:
            DamagedFile: a blob is missing or wrong.
        """

        def fetch(entry: FileEntry) -> None:
            try:
                self.cache.fetch(self.store, entry, folder / entry.path)
            except WrongBytes as error:
                raise DamagedFile(entry, str(error)) from error

        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(TRANSFERS) as pool:
            list(pool.map(fetch, files))
        # once for all files: a trim scans the whole cache
        self.cache.trim()

    def quarantine(self, stage: str, fingerprint: str, reason: str) -> None:
        """Move a manifest to ``quarantine/`` with the reason, and delete its damaged blobs so that good bytes can be stored again."""
        key = manifest_key(stage, fingerprint)
        try:
            data = self.store.get(key).data
        except NotFound:
            return
        except CorruptObject:
            data = b""
        record = {"reason": reason, "time": datetime.now(UTC).isoformat(), "key": key, "manifest": data.decode(errors="replace")}
        number = sum(1 for _ in self.store.list(f"quarantine/{stage}/{fingerprint}/")) + 1
        self.store.put(f"quarantine/{stage}/{fingerprint}/{number}.json", canonical_json(record))
        self.store.delete(key)
        log.warning("quarantined %s %s: %s", stage, fingerprint[:12], reason)
        try:
            manifest = Manifest.from_bytes(data)
        except ValueError:
            return
        self.drop_damaged(manifest.files)

    def drop_blob(self, entry: FileEntry) -> None:
        """Delete a blob whose bytes are wrong: its key is needed for the right bytes."""
        self.store.delete(blob_key(entry.sha256))

    def drop_damaged(self, files: Sequence[FileEntry]) -> None:
        """Read ``files`` and delete the blobs whose bytes are wrong."""
        for damage in self.find_damage(files):
            self.drop_blob(damage.entry)

    def _check_blob(self, entry: FileEntry) -> Damage | None:
        try:
            read_blob(self.store, entry)
        except WrongBytes as error:
            return Damage(entry, str(error))
        return None


class DamagedFile(Exception):
    """One file of an artifact is missing or wrong."""

    def __init__(self, entry: FileEntry, what: str) -> None:
        super().__init__(str(Damage(entry, what)))
        self.entry = entry
