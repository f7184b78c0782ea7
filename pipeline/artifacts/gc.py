"""Garbage collection: remove what no run and no ledger entry relies on.

Roots are the runs of the last days (``runs/<run>/``), every entry of every promotion ledger, and everything younger than a
day, because a commit in progress has blobs but no manifest yet. From a root everything it was made from is kept, through the
inputs named in manifests, so a champion can always be traced, reproduced and scored. A root that cannot be read stops the whole
collection: what it names is not known, so nothing may go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline.artifacts.base import NotFound
from pipeline.artifacts.checkpoints import Checkpoint
from pipeline.artifacts.manifest import blob_key
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.base import Stat

YOUNG = timedelta(days=1)
STALE_TRAINING = timedelta(days=7)


@dataclass
class Garbage:
    """What nothing relies on."""

    keys: list[str] = field(default_factory=list)
    """Keys of the objects, manifests before blobs."""

    size: int = 0
    """Sum of their lengths in bytes."""

    kept: int = 0
    """Objects that are relied on."""

    def add(self, stat: Stat) -> None:
        """Count an object as garbage."""
        self.keys.append(stat.key)
        self.size += stat.size


def find_garbage(artifacts: Artifacts, run_days: float, now: datetime | None = None) -> Garbage:
    """Find what nothing relies on. Nothing is removed, but an unreadable manifest is quarantined.

    Args:
        artifacts: where to look.
        run_days: age up to which a run keeps what it relied on, in days.
        now: the moment to judge ages by; by default the present.

    Raises:
        BadInput: a root cannot be read.
    """
    now = now or datetime.now(UTC)
    store = artifacts.store
    old_runs, manifests = set(_old_runs(artifacts, now - timedelta(days=run_days))), _reachable(artifacts, now, run_days)
    garbage = Garbage()
    blobs: set[str] = set()
    for stat in store.list("manifests/"):
        stage, fingerprint = _address(stat.key)
        if (stage, fingerprint) in manifests or now - stat.modified < YOUNG:
            manifest = artifacts.find(stage, fingerprint)
            blobs |= {blob_key(entry.sha256) for entry in manifest.files} if manifest else set()
            garbage.kept += 1
        else:
            garbage.add(stat)
    for stat in store.list("training/"):
        if now - stat.modified < STALE_TRAINING:
            blobs |= _checkpoint_blobs(artifacts, stat.key)
            garbage.kept += 1
        else:
            garbage.add(stat)
    for stat in store.list("runs/"):
        if stat.key.split("/")[1] in old_runs:
            garbage.add(stat)
    for stat in store.list("leases/"):
        if now - stat.modified > STALE_TRAINING:
            garbage.add(stat)
    for stat in store.list("blobs/"):
        if stat.key in blobs or now - stat.modified < YOUNG:
            garbage.kept += 1
        else:
            garbage.add(stat)
    return garbage


def remove(artifacts: Artifacts, garbage: Garbage, run_days: float, now: datetime | None = None) -> int:
    """Delete what was found and is still garbage; manifests before blobs, so that no manifest is left without its files.

    The search is repeated first: a run may have started, or a commit may have reused an old blob, since the first one.

    Args:
        artifacts: where to remove.
        garbage: what `find_garbage` found.
        run_days: as given to `find_garbage`.
        now: as given to `find_garbage`.

    Returns:
        How many objects were removed.
    """
    still = set(find_garbage(artifacts, run_days, now).keys)
    keys = [key for key in garbage.keys if key in still]
    for key in keys:
        artifacts.store.delete(key)
    return len(keys)


def _reachable(artifacts: Artifacts, now: datetime, run_days: float) -> set[tuple[str, str]]:
    """Stage and fingerprint of every artifact that a root leads to."""
    waiting = [reference for key in _roots(artifacts, now, run_days) for reference in _references(_root(artifacts, key))]
    waiting += [_address(stat.key) for stat in artifacts.store.list("manifests/") if now - stat.modified < YOUNG]
    found: set[tuple[str, str]] = set()
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            manifest = artifacts.find(*address)
            waiting += [(reference.stage, reference.fingerprint) for reference in manifest.inputs.values()] if manifest else []
    return found


def _roots(artifacts: Artifacts, now: datetime, run_days: float) -> Iterator[str]:
    yield from (stat.key for stat in artifacts.store.list("ledger/"))
    old = set(_old_runs(artifacts, now - timedelta(days=run_days)))
    yield from (stat.key for stat in artifacts.store.list("runs/") if stat.key.split("/")[1] not in old and stat.key.endswith(".json"))


def _address(key: str) -> tuple[str, str]:
    """Stage and fingerprint of the manifest at ``key``."""
    _, stage, name = key.split("/")
    return stage, name.removesuffix(".json")


def _old_runs(artifacts: Artifacts, before: datetime) -> Iterator[str]:
    """Runs none of whose traces is younger than ``before``."""
    newest: dict[str, datetime] = {}
    for stat in artifacts.store.list("runs/"):
        run = stat.key.split("/")[1]
        newest[run] = max(stat.modified, newest.get(run, stat.modified))
    return (run for run, modified in newest.items() if modified < before)


def _root(artifacts: Artifacts, key: str) -> Any:  # noqa: ANN401 - whatever the object holds
    try:
        return json.loads(artifacts.store.get(key).data)
    except NotFound:
        return None
    except ValueError as error:
        raise BadInput(f"{key} is not JSON, so gc cannot know what it relies on", "", "restore it from a backup, or delete it") from error


def _references(value: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - whatever the object holds
    """Every reference inside parsed JSON, at any depth: a mapping with the four fields of `Reference`."""
    if isinstance(value, list):
        return [reference for item in value for reference in _references(item)]
    if not isinstance(value, dict):
        return []
    if {"type", "stage", "fingerprint", "digest"} <= value.keys():
        return [(value["stage"], value["fingerprint"])]
    return [reference for item in value.values() for reference in _references(item)]


def _checkpoint_blobs(artifacts: Artifacts, key: str) -> set[str]:
    try:
        record = Checkpoint.model_validate_json(artifacts.store.get(key).data)
    except (NotFound, ValidationError):
        return set()
    return {blob_key(entry.sha256) for entry in record.files}
