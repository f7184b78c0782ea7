"""Manifests and references: what an artifact is, and the small thing that is passed around instead of it.

A manifest is one JSON object at ``manifests/<stage>/<fingerprint>.json``, put last: without it the artifact does not exist.
Its *content digest* covers the files only (path, size, sha256), so a step that ran again and made the same bytes leaves
everything downstream a hit.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.artifacts.types import ArtifactType

SEAL = "seal"
"""Field of the stored form that holds a sha256 over the canonical JSON of everything else."""


class Frozen(BaseModel):
    """Base of the small immutable records of this package."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(Frozen):
    """One file of an artifact."""

    path: str
    """Where the file stands inside the artifact, with forward slashes."""

    size: int
    """Length in bytes."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Digest of the bytes: also the name of the blob that holds them."""

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        """Refuse a path that leads out of the artifact: a record that was damaged must not write elsewhere."""
        if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError("a path inside the artifact is expected")
        return path


class Reference(Frozen):
    """The address of an artifact: what tasks hand to each other."""

    type: ArtifactType
    """What kind of artifact this is."""

    stage: str
    """The stage that made it, e.g. ``"tokenization"``."""

    fingerprint: str
    """Identity of the making: component, params, inputs, code, libraries."""

    digest: str
    """Content digest: identity of what was made."""


class Parts(Frozen):
    """Everything a fingerprint covers, kept so that `explain` can name what changed."""

    component: str
    """Name of the component."""

    version: int
    """Version of its contract."""

    params: dict[str, Any]
    """Its params, defaults included."""

    inputs: dict[str, str]
    """Content digest of each input, by name."""

    modules: dict[str, str]
    """Digest of the normalised source of each result-bearing module reached, by dotted name."""

    libraries: dict[str, str]
    """Version of each result-bearing library, by distribution name."""

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 over the canonical JSON of all parts, as 64 hexadecimal digits."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json"))).hexdigest()


class Provenance(Frozen):
    """Where and when an artifact was made. Never part of its identity."""

    code_version: str
    """Git commit of the code, with ``+dirty`` where the tree was edited; ``unknown`` outside a checkout."""

    run: str
    """Id of the run that made it."""

    started: datetime
    """When the step began, with time zone."""

    finished: datetime
    """When it was committed, with time zone."""

    environment: dict[str, str] = {}
    """What else a person may want to know: image digest, thread count, device, chosen kernel."""


class Manifest(Frozen):
    """The record of one artifact."""

    schema_version: int = 1
    """Version of this layout."""

    type: ArtifactType
    stage: str
    fingerprint: str
    parts: Parts
    inputs: dict[str, Reference]
    """Where each input came from."""

    files: tuple[FileEntry, ...]
    """The files, sorted by path."""

    counts: dict[str, int] = {}
    """Whole numbers a later stage relies on, e.g. documents read and kept."""

    metrics: dict[str, float] = {}
    """A few final figures worth reading without opening a file, e.g. the last loss."""

    provenance: Provenance

    @cached_property
    def digest(self) -> str:
        """Content digest: sha256 over the sorted files, as 64 hexadecimal digits."""
        rows = sorted((entry.path, entry.size, entry.sha256) for entry in self.files)
        return hashlib.sha256(canonical_json(rows)).hexdigest()

    @property
    def size(self) -> int:
        """Sum of the files' lengths in bytes."""
        return sum(entry.size for entry in self.files)

    @property
    def reference(self) -> Reference:
        """The small address of this artifact."""
        return Reference(type=self.type, stage=self.stage, fingerprint=self.fingerprint, digest=self.digest)

    @property
    def key(self) -> str:
        """Key of the manifest in the store."""
        return manifest_key(self.stage, self.fingerprint)

    def to_bytes(self) -> bytes:
        """The stored form: indented JSON, so that a person can read it with any S3 client, with a seal over all of it."""
        body = self.model_dump(mode="json")
        return json.dumps({**body, SEAL: _seal(body)}, indent=2, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read the stored form.

        Raises:
            ValueError: it is no manifest, or not the bytes that were written: counts and inputs are relied on as files are.
        """
        body = json.loads(data)
        if not isinstance(body, dict) or body.pop(SEAL, None) != _seal(body):
            raise ValueError("its seal is broken")
        return cls.model_validate(body)


def manifest_key(stage: str, fingerprint: str) -> str:
    """Key of the manifest of ``fingerprint`` in the store."""
    return f"manifests/{stage}/{fingerprint}.json"


def blob_key(sha256: str) -> str:
    """Key of the blob with this digest in the store."""
    return f"blobs/{sha256}"


def _seal(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body)).hexdigest()


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - anything JSON can hold
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
