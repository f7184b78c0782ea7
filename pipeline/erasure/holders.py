"""Which artifacts hold documents that are to be forgotten: corpora, and what was made from them.

A corpus holds a document if an entry says so. Anything else holds what its inputs hold, with two exceptions. A step that reads only some splits
of a corpus does not hold the documents of others. And a result is clean if the step would make the same from a clean input: after the documents
are left out, a step whose input has the same bytes as before is a cache hit, and its manifest still names the old input.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from components import COMPONENTS
from pipeline.artifacts.types import ArtifactType
from pipeline.erasure.tombstones import numbers, read_tombstones

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.erasure.tombstones import Tombstone

Address = tuple[str, str, str]
"""Stage, fingerprint and digest of an artifact."""

NONE: frozenset[int] = frozenset()


class Holders:
    """Finds out what artifacts hold. Each manifest is read once."""

    def __init__(self, artifacts: Artifacts, entries: Iterable[Tombstone] | None = None) -> None:
        """Read the entries.

        Args:
            artifacts: the artifacts of the store.
            entries: those that count; by default all of the store.
        """
        self.artifacts = artifacts
        self.entries = {entry.number: entry for entry in (read_tombstones(artifacts.store) if entries is None else entries)}
        self._manifests: dict[Address, Manifest | None] = {}
        self._found: dict[Address, frozenset[int]] = {}
        self._waiting: set[Address] = set()
        self._stages: dict[str, list[Manifest]] = {}

    def entries_of(self, reference: Reference) -> frozenset[int]:
        """Numbers of the entries whose documents an artifact holds."""
        if not self.entries:
            return NONE
        address = (reference.stage, reference.fingerprint, reference.digest)
        if address not in self._found:
            if address in self._waiting:
                return frozenset(self.entries)  # asked for while it is worked out: nothing shows that it is clean
            self._waiting.add(address)
            manifest = self._manifest(address)
            self._found[address] = self._of(manifest) if manifest else self._of_lost(reference)
            self._waiting.discard(address)
        return self._found[address]

    def all(self) -> Iterator[tuple[Manifest, frozenset[int]]]:
        """Every artifact of the store that holds such documents, with the numbers of the entries."""
        for address, _ in self.artifacts.manifest_store.references():
            manifest = self._manifest(address)
            found = self.entries_of(manifest.reference) if manifest else NONE
            if manifest and found:
                yield manifest, found

    def why_not(self, models: Iterable[Reference]) -> str | None:
        """Why a version made of these models may not be promoted, in one sentence; None if it may."""
        found = {number for model in models for number in self.entries_of(model)}
        if not found:
            return None
        return f"it was made from documents that are to be forgotten ({numbers(sorted(found))} of `trainshed forget --list`)"

    def _manifest(self, address: Address) -> Manifest | None:
        if address not in self._manifests:
            self._manifests[address] = self.artifacts.manifest_store.get(*address)
        return self._manifests[address]

    def _of(self, manifest: Manifest) -> frozenset[int]:
        if manifest.type is ArtifactType.CORPUS:
            concerned = [entry for entry in self.entries.values() if entry.concerns(manifest)]
            # the same bytes, made with the documents left out, hold none of them
            return frozenset(
                entry.number
                for entry in concerned
                if all(entry.concerns(twin) for twin in self._stage(manifest.stage) if twin.digest == manifest.digest)
            )
        found: set[int] = set()
        for name, reference in manifest.inputs.items():
            if name in manifest.parts.inputs:
                found |= self._through(manifest, name, reference)
        return frozenset(found)

    def _of_lost(self, reference: Reference) -> frozenset[int]:
        """What an artifact holds whose manifest is lost: known of a corpus only."""
        return frozenset(number for number, entry in self.entries.items() if reference.digest in entry.held)

    def _through(self, manifest: Manifest, name: str, reference: Reference) -> frozenset[int]:
        """What an artifact holds by one of its inputs."""
        held = self.entries_of(reference)
        if not held:
            return NONE
        parts = COMPONENTS.load(manifest.stage).input(name).parts if manifest.stage in COMPONENTS else ()
        if reference.type is ArtifactType.CORPUS:
            held = frozenset(number for number in held if self._reads(self.entries[number], reference, parts))
        if not held:
            return NONE
        for twin in self._stage(reference.stage):
            if twin.digest_of(parts) == manifest.parts.inputs[name]:
                held &= self.entries_of(twin.reference)
        return held

    @staticmethod
    def _reads(entry: Tombstone, corpus: Reference, parts: tuple[str, ...]) -> bool:
        """Whether a step that reads these parts of a corpus reads documents of an entry."""
        splits = entry.held.get(corpus.digest)
        if splits is None or not parts:
            return True
        return any(fnmatchcase(f"{split}-00000.parquet", part) for split in splits for part in parts)

    def _stage(self, stage: str) -> list[Manifest]:
        """All artifacts of a stage."""
        if stage not in self._stages:
            addresses = [address for address, _ in self.artifacts.manifest_store.references(f"{stage}/")]
            self._stages[stage] = [found for address in addresses if (found := self._manifest(address))]
        return self._stages[stage]
