"""Intermediate results: files that a step makes on the way to its artifact, kept so that no later attempt or run makes them again.

A record at ``intermediates/<fingerprint>.json`` names the files, which are blobs. The fingerprint covers what the files follow from, so
they are the same whoever makes them, and no lease is needed. They are a cache: what is missing or damaged is made again.

The manifest of an artifact names the intermediate results that it was made of. Garbage collection keeps those of live artifacts, and the
others for as long as the state of a training.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.artifacts.artifacts import TRANSFERS, DamagedFile
from pipeline.artifacts.base import CorruptObject, NotFound
from pipeline.artifacts.manifest import FileEntry, Frozen, blob_key, canonical_json, from_sealed, to_sealed
from pipeline.artifacts.sealed import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterator, Mapping
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.base import Stat, Store

log = logging.getLogger(__name__)
PREFIX = "intermediates/"

What = dict[str, Any]
"""What files follow from: plain data."""


class Intermediates(Protocol):
    """Where intermediate results are kept."""

    def fetch(self, root: Path, wanted: Mapping[str, What], names: Collection[str] = ()) -> set[str]:
        """Fetch what is kept, each into a folder of its own.

        Args:
            root: where the folders go.
            wanted: by name of the folder.
            names: which files; all without it.

        Returns:
            The names of those that were found.
        """

    def commit(self, what: What, folder: Path) -> None:
        """Keep the files of a folder."""


class NothingKept:
    """Keeps nothing: all is made again."""

    def fetch(self, root: Path, wanted: Mapping[str, What], names: Collection[str] = ()) -> set[str]:  # noqa: ARG002 - the protocol's signature
        """Nothing is found."""
        return set()

    def commit(self, what: What, folder: Path) -> None:
        """Ignore the files."""


class Intermediate(Frozen):
    """The record of one intermediate result."""

    files: tuple[FileEntry, ...]
    """Its files, sorted by path."""

    written: datetime
    """When the record was written last, with time zone."""


class StoredIntermediates:
    """Keeps intermediate results in the store."""

    def __init__(self, artifacts: Artifacts, identity: What | Callable[[What], What]) -> None:
        """Nothing is read yet.

        Args:
            artifacts: where the blobs are.
            identity: what the results follow from apart from what is said of each, e.g. the code; a function where it differs between them.
        """
        self.artifacts, self.identity = artifacts, identity
        self.used: list[str] = []
        """Fingerprints of what was found or kept."""

    def fingerprint(self, what: What) -> str:
        """The name of a result, as 64 hexadecimal digits."""
        identity = self.identity(what) if callable(self.identity) else self.identity
        return hashlib.sha256(canonical_json([identity, what])).hexdigest()

    def fetch(self, root: Path, wanted: Mapping[str, What], names: Collection[str] = ()) -> set[str]:
        """Fetch what is kept; what is damaged is quarantined, and counts as missing."""
        prints = {name: self.fingerprint(what) for name, what in wanted.items()}
        with ThreadPoolExecutor(TRANSFERS) as pool:
            records = {name: found for name, found in zip(prints, pool.map(self._read, prints.values()), strict=True) if found}
        while records:
            files = {
                f"{name}/{entry.path}": (name, entry)
                for name, record in records.items()
                for entry in record.files
                if not names or entry.path in names
            }
            try:
                self.artifacts.get_files([entry.model_copy(update={"path": path}) for path, (_, entry) in files.items()], root)
                break
            except DamagedFile as error:
                name, entry = files[error.entry.path]
                log.warning("an intermediate result is made again: %s", error)
                self.artifacts.quarantine(entry)
                shutil.rmtree(root / name, ignore_errors=True)
                del records[name]
        self._note(prints[name] for name in records)
        return set(records)

    def commit(self, what: What, folder: Path) -> None:
        """Store the files, then the record."""
        fingerprint = self.fingerprint(what)
        self._write(fingerprint, self.artifacts.put_files(folder))
        self._note([fingerprint])

    def _note(self, prints: Collection[str] | Iterator[str]) -> None:
        known = set(self.used)
        self.used += [each for each in prints if each not in known]

    def _read(self, fingerprint: str) -> Intermediate | None:
        """The record; None if there is none, or it is unreadable. An old one is written again, so that garbage collection spares it."""
        try:
            found = read_record(self.artifacts.store, key_of(fingerprint), _parse)
        except (NotFound, CorruptObject, ValueError):
            return None
        self.artifacts.beat()
        if datetime.now(UTC) - found.written >= self.artifacts.refresh_after:
            self._write(fingerprint, found.files)
        return found

    def _write(self, fingerprint: str, files: tuple[FileEntry, ...]) -> None:
        record = Intermediate(files=files, written=datetime.now(UTC))
        self.artifacts.store.put(key_of(fingerprint), to_sealed(record.model_dump(mode="json")))


def key_of(fingerprint: str) -> str:
    """Key of the record of an intermediate result."""
    return f"{PREFIX}{fingerprint}.json"


def intermediate_objects(store: Store, now: datetime, age: timedelta, used: Container[str]) -> Iterator[tuple[Stat, bool, set[str]]]:
    """Each record, whether it is kept, and the keys of the blobs that it keeps.

    Args:
        store: where they are.
        now: time from which ages are counted.
        age: a younger record is kept, whoever uses it.
        used: fingerprints that live artifacts name.
    """
    for stat in store.list(PREFIX):
        keep = now - stat.modified < age or stat.key.removeprefix(PREFIX).removesuffix(".json") in used
        blobs: set[str] = set()
        if keep:
            try:
                blobs = {blob_key(entry.sha256) for entry in read_record(store, stat.key, _parse).files}
            except (NotFound, CorruptObject, ValueError):
                keep = False
        yield stat, keep, blobs


def _parse(data: bytes) -> Intermediate:
    """A record from its bytes.

    Raises:
        ValueError: it is none.
    """
    return Intermediate.model_validate(from_sealed(data))
