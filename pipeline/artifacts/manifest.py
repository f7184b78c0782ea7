"""Manifests and references: the record of an artifact, and the small address that tasks pass to each other.

A manifest is one JSON object. Its *content digest* covers only the files (path, size, sha256). A step that runs again and makes
the same bytes leaves everything downstream a cache hit. `pipeline.artifacts.manifest_store` says where manifests are stored.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.artifacts.types import ArtifactType

if TYPE_CHECKING:
    from collections.abc import Collection

SEAL = "seal"
"""Field of the stored form that holds a sha256 over the canonical JSON of everything else."""


class Frozen(BaseModel):
    """Base of the small immutable records of this package."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(Frozen):
    """One file of an artifact."""

    path: str
    """Path inside the artifact, with forward slashes."""

    size: int
    """Length in bytes."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Digest of the bytes: also the name of the blob that holds them."""

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        """Refuse a path outside the artifact: a damaged record must not make us write elsewhere."""
        if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError("a path inside the artifact is expected")
        return path


class Reference(Frozen):
    """The address of an artifact: what tasks pass to each other."""

    type: ArtifactType
    """What kind of artifact this is."""

    stage: str
    """The stage that made it, e.g. ``"tokenization"``."""

    fingerprint: str
    """Identity of the work: component, params, inputs, code, libraries."""

    digest: str
    """Content digest: identity of the result."""


class Parts(Frozen):
    """Everything a fingerprint covers; `explain` reads it to name what changed."""

    component: str
    """Name of the component."""

    version: int
    """Version of its contract."""

    params: dict[str, Any]
    """Its params, defaults included."""

    inputs: dict[str, str]
    """Content digest of what is read of each input, by name."""

    modules: dict[str, str]
    """Digest of the normalised source of each result-bearing module reached, by dotted name."""

    libraries: dict[str, str]
    """Version of each result-bearing library, by distribution name."""

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 over the canonical JSON of all parts, as 64 hexadecimal digits.

        Params that are None are excluded: a new optional field changes no fingerprint.
        """
        parts = self.model_dump(mode="json")
        return hashlib.sha256(canonical_json({**parts, "params": _without_none(parts["params"])})).hexdigest()

    def training_state(self, budget: str | None) -> str:
        """The fingerprint under which a training keeps its state: without the param that says where this run stops.

        Args:
            budget: dotted name of that param; None if the component has none.
        """
        if budget is None:
            return self.fingerprint
        # no `model_copy`: that would take the cached fingerprint along
        return Parts(**{**self.model_dump(), "params": _without(self.params, budget.split("."))}).fingerprint


class Provenance(Frozen):
    """Where and when an artifact was made; not part of its identity."""

    code_version: str
    """Git commit of the code, with ``+dirty`` where the tree was edited; ``unknown`` outside a checkout."""

    run: str
    """Id of the run that made it."""

    started: datetime
    """When the step began, with time zone."""

    finished: datetime
    """When it was committed, with time zone."""

    environment: dict[str, str] = {}
    """Other facts for people: image digest, thread count, device, chosen kernel."""


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
    """Integers that a later stage relies on, e.g. documents read and kept."""

    metrics: dict[str, float] = {}
    """Final figures that can be read without opening a file, e.g. the last loss."""

    intermediates: tuple[str, ...] = ()
    """Fingerprints of the intermediate results that it was made of (`pipeline.artifacts.intermediates`)."""

    provenance: Provenance

    @cached_property
    def digest(self) -> str:
        """Content digest: sha256 over the sorted files, as 64 hexadecimal digits."""
        return self.digest_of(())

    def digest_of(self, parts: Collection[str]) -> str:
        """Content digest of some parts only; see `files_of`."""
        rows = sorted((entry.path, entry.size, entry.sha256) for entry in self.files_of(parts))
        return hashlib.sha256(canonical_json(rows)).hexdigest()

    def files_of(self, parts: Collection[str]) -> tuple[FileEntry, ...]:
        """The files of some parts.

        Args:
            parts: names of files and folders at the top of the artifact, or patterns of names such as ``validation-*.parquet``; empty for
                all. A part that the artifact lacks has no files.
        """
        return tuple(entry for entry in self.files if not parts or any(fnmatchcase(entry.path.partition("/")[0], part) for part in parts))

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
        return manifest_key(self.stage, self.fingerprint, self.digest)

    def to_bytes(self) -> bytes:
        """The stored form: indented JSON, readable with any S3 client, with a seal over all fields."""
        return to_sealed(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read the stored form.

        Raises:
            ValueError: not a manifest, or the seal does not match: counts and inputs must be as trustworthy as files.
        """
        return cls.model_validate(from_sealed(data))


def manifest_key(stage: str, fingerprint: str, digest: str) -> str:
    """Key of the manifest of one result of ``fingerprint``."""
    return f"manifests/{stage}/{fingerprint}/{digest}.json"


def pointer_key(stage: str, fingerprint: str) -> str:
    """Key of the pointer to the current result of ``fingerprint``."""
    return f"manifests/{stage}/{fingerprint}.json"


def blob_key(sha256: str) -> str:
    """Key of the blob with this digest in the store."""
    return f"blobs/{sha256}"


def _without_none(value: Any) -> Any:  # noqa: ANN401 - plain data of any shape
    """Plain data without the fields of mappings that are None."""
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _without(params: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """Params without the one at ``path``."""
    name, *below = path
    inner = params.get(name)
    if below and isinstance(inner, dict):
        return {**params, name: _without(inner, below)}
    return {key: value for key, value in params.items() if key != name}


def to_sealed(body: dict[str, Any]) -> bytes:
    """Indented JSON of some fields and a seal over all of them."""
    return json.dumps({**body, SEAL: _seal(body)}, indent=2, ensure_ascii=False).encode()


def from_sealed(data: bytes) -> dict[str, Any]:
    """The fields of sealed JSON, without the seal.

    Raises:
        ValueError: not JSON, or the seal does not match.
    """
    body = json.loads(data)
    if not isinstance(body, dict) or body.pop(SEAL, None) != _seal(body):
        raise ValueError("its seal does not match")
    return body


def _seal(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body)).hexdigest()


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - anything JSON can hold
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
