"""Garbage collection: remove what no run and no ledger entry relies on, in two phases.

The first collection *marks* what it finds: key, etag and time. A later one removes what was marked at least ``grace`` ago, is
still unused and still has the same etag. The delete is conditional on that etag.

A commit that reuses an object writes it again if the object is older than `pipeline.artifacts.artifacts.REFRESH_AFTER`, which
changes its etag. Only objects older than ``young`` are marked, so whatever a commit relies on either is not marked or has
another etag than its mark: no delete can hit it. An object that is written again twice may have its first etag again, but not
within ``REFRESH_AFTER``; a collection that takes longer stops deleting.

A run relies on artifacts that exist already. It writes that down first, then waits for a collection that is running (see
`wait_for_collection`) and only then looks whether they exist. A collection reads what runs rely on after it took its lease.

Roots are recent runs (``runs/<run>/``) and studies (``studies/<study>/``), the promotions and rollbacks of every ledger, recent refusals, and everything that is
young. A former champion that holds documents which people asked to forget is no root (`pipeline.registry.forgotten_versions`). From a root everything it was made from is kept, so a champion can always be traced, reproduced and scored. A root, or a
manifest that a root names, that cannot be read stops the collection: what it relies on is unknown. So does a ledger entry whose
seal does not match. Intermediate results go with the artifacts that were made of them. What the monitor left goes by its age, and profiles go with their corpus (`pipeline.artifacts.gc_watched`).
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline.artifacts.artifacts import quarantine_key
from pipeline.artifacts.base import Conflict, NotFound, no_beat
from pipeline.artifacts.checkpoints import Checkpoint
from pipeline.artifacts.gc_watched import watched_objects
from pipeline.artifacts.intermediates import intermediate_objects
from pipeline.artifacts.lease import Lease
from pipeline.artifacts.manifest import Frozen, blob_key, manifest_key
from pipeline.artifacts.manifest_store import read_pointer
from pipeline.artifacts.sealed import read_record, read_sealed
from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.base import Stat, Store
    from pipeline.artifacts.manifest import Manifest

log = logging.getLogger(__name__)
MARKS_KEY = "gc/marks.json"
RUNS = "runs/"
LEDGERS = "ledger/"
STUDIES = "studies/"
"""Prefix of the records of experiments, which `pipeline.experiments.records` writes."""

CLOSED = "closed.json"
"""The record that ends a study."""

LEASE_NAME = "gc"
LEASE_TTL_S = 60.0

Address = tuple[str, str, str]
"""Stage, fingerprint and digest of an artifact."""


@dataclass(frozen=True)
class Ages:
    """How old an object must be before something happens to it."""

    runs: timedelta = timedelta(days=30)
    """A run younger than this keeps what it relied on; so does a refusal in a ledger."""

    young: timedelta = timedelta(days=1)
    """An object younger than this is kept: a commit in progress has blobs but no manifest yet."""

    grace: timedelta = timedelta(days=1)
    """Time between mark and removal."""

    training: timedelta = timedelta(days=7)
    """A training whose checkpoints and lease were not written for this long is abandoned; so is an intermediate result that no live
    artifact was made of."""

    served: timedelta = timedelta(days=30)
    """Served texts older than this go, whatever they were needed for: they are personal data."""

    looks: timedelta = timedelta(days=400)
    """Looks of the monitor older than this go; one year of a trend stays."""


@dataclass
class Garbage:
    """What nothing relies on."""

    objects: list[Stat] = field(default_factory=list)
    """In the order of removal: pointers before manifests before blobs."""

    kept: int = 0
    """Objects that are relied on."""

    @property
    def size(self) -> int:
        """Sum of the objects' lengths in bytes."""
        return sum(stat.size for stat in self.objects)

    @property
    def keys(self) -> list[str]:
        """Keys of the objects."""
        return [stat.key for stat in self.objects]

    def sort(self, stat: Stat, *, keep: bool) -> None:
        """Count an object as kept or as garbage."""
        if keep:
            self.kept += 1
        else:
            self.objects.append(stat)


class Mark(Frozen):
    """An object that was found unused."""

    etag: str
    """Its etag at that time."""

    time: datetime
    """When it was first found unused with this etag, with time zone."""


class Marks(Frozen):
    """Content of ``gc/marks.json``."""

    marks: dict[str, Mark] = {}
    """By key of the object."""


@dataclass(frozen=True)
class Collection:
    """Outcome of one collection."""

    removed: list[Stat]
    """Objects that were removed."""

    marked: list[Stat]
    """Unused objects that wait for the end of their grace."""


def find_garbage(artifacts: Artifacts, ages: Ages, now: datetime | None = None, released: frozenset[str] = frozenset()) -> Garbage:
    """Find what nothing relies on; writes nothing.

    Args:
        artifacts: where to look.
        ages: how old things must be.
        now: time from which ages are counted; by default the present.
        released: keys of ledger entries that keep nothing: their models hold documents that are to be forgotten, and serve no more.

    Raises:
        BadInput: a root, or a manifest that it relies on, cannot be read.
        Damaged: a ledger entry cannot be read, or its seal does not match.
    """
    now = now or datetime.now(UTC)
    store = artifacts.store
    old_runs = _old(store, RUNS, now - ages.runs)
    old_studies = _old(store, STUDIES, now - ages.runs)
    reached = _reach(artifacts, ages, now, old_runs, old_studies, released)
    garbage = Garbage()
    blobs = {blob_key(entry.sha256) for manifest in reached.values() if manifest for entry in manifest.files}
    manifests = list(store.list("manifests/"))
    for stat in manifests:
        if stat.key.count("/") == 2:
            digest = read_pointer(store, stat.key)
            used = digest is not None and (*_path(stat.key), digest) in reached
            garbage.sort(stat, keep=used or now - stat.modified < ages.young)
    for stat in manifests:
        if stat.key.count("/") == 3:
            garbage.sort(stat, keep=_path(stat.key) in reached)
    made_of = {fingerprint for manifest in reached.values() if manifest for fingerprint in manifest.intermediates}
    for stat, keep, held in intermediate_objects(store, now, ages.training, made_of):
        blobs |= held
        garbage.sort(stat, keep=keep)
    leases = {stat.key: stat for stat in store.list("leases/")}
    waiting = _open_trainings(store, old_studies)
    for stat in store.list("training/"):
        fingerprint = stat.key.split("/")[1]
        lease = leases.get(f"leases/{fingerprint}.json", stat)
        keep = fingerprint in waiting or now - max(stat.modified, lease.modified) < ages.training
        blobs |= _checkpoint_blobs(store, stat.key) if keep else set()
        garbage.sort(stat, keep=keep)
    for prefix, old in ((RUNS, old_runs), (STUDIES, old_studies)):
        for stat in store.list(prefix):
            garbage.sort(stat, keep=stat.key.split("/")[1] not in old)
    for stat in leases.values():
        garbage.sort(stat, keep=now - stat.modified < ages.training or stat.key == f"leases/{LEASE_NAME}.json")
    kept: set[str] = set()
    for stat in store.list("blobs/"):
        # an empty blob has one possible etag, so a commit that reuses it could not protect it
        keep = stat.key in blobs or stat.size == 0 or now - stat.modified < ages.young
        kept |= {stat.key} if keep else set()
        garbage.sort(stat, keep=keep)
    digests = {digest for _, _, digest in reached}
    for stat, keep in watched_objects(store, now, ages.served, ages.looks, ages.young, digests):
        garbage.sort(stat, keep=keep)
    for stat in store.list(quarantine_key("").removesuffix(".json")):
        sha256 = stat.key.rpartition("/")[2].removesuffix(".json")
        garbage.sort(stat, keep=blob_key(sha256) in kept or now - stat.modified < ages.young)
    return garbage


def collect(artifacts: Artifacts, ages: Ages, now: datetime | None = None, released: frozenset[str] = frozenset()) -> Collection:
    """Remove what was marked before the grace and is still unused; mark what is unused now.

    Args:
        artifacts: where to collect.
        ages: how old things must be.
        now: time from which ages are counted; by default the present.
        released: see `find_garbage`.

    Raises:
        BadInput: see `find_garbage`.
        Damaged: see `find_garbage`.
        Unavailable: another collection is running.
        Preempted: another collection took over the lease of this one.
    """
    now = now or datetime.now(UTC)
    store = artifacts.store
    lease = Lease(store, LEASE_NAME, ttl_s=LEASE_TTL_S)
    if not lease.acquire(wait_s=2 * LEASE_TTL_S):
        raise Unavailable("another garbage collection is running", "", "wait until it ends")
    try:
        known = _read_marks(store)
        removed: list[Stat] = []
        marks: dict[str, Mark] = {}
        began = time.monotonic()
        found = find_garbage(artifacts, ages, now, released).objects
        for stat in found:
            mark = known.get(stat.key)
            if mark is None or mark.etag != stat.etag or mark.time < stat.modified:
                marks[stat.key] = Mark(etag=stat.etag, time=now)
            elif now - mark.time < ages.grace or time.monotonic() - began > artifacts.refresh_after.total_seconds():
                marks[stat.key] = mark
            elif _remove(store, stat, lease):
                removed.append(stat)
        lease.renew()
        store.put(MARKS_KEY, Marks(marks=marks).model_dump_json(indent=2).encode())
    finally:
        lease.release()
    return Collection(removed, [stat for stat in found if stat.key in marks])


def wait_for_collection(store: Store, on_wait: Callable[[], object] = no_beat) -> bool:
    """Wait for the end of a garbage collection that is running.

    Args:
        store: where it collects.
        on_wait: called about once a second; may raise to end the wait.

    Returns:
        Whether there was one: what was found before may be gone.
    """
    lease = Lease(store, LEASE_NAME, ttl_s=LEASE_TTL_S)
    if lease.holder() is None:
        return False
    log.info("waiting for the end of a garbage collection")
    while not lease.wait_until_free(1.0):
        on_wait()
    return True


def _remove(store: Store, stat: Stat, lease: Lease) -> bool:
    """Delete an object unless it changed."""
    lease.check()
    try:
        store.delete(stat.key, if_match=stat.etag)
    except Conflict:
        log.info("%s was written again and is kept", stat.key)
        return False
    return True


def _read_marks(store: Store) -> dict[str, Mark]:
    """The marks of the collection before; none after the first, or if they cannot be read."""
    try:
        return Marks.model_validate_json(store.get(MARKS_KEY).data).marks
    except NotFound:
        return {}
    except ValidationError as error:
        log.warning("%s cannot be read (%s); all objects are marked again", MARKS_KEY, error.errors()[0]["msg"])
        return {}


def _reach(
    artifacts: Artifacts, ages: Ages, now: datetime, old_runs: set[str], old_studies: set[str], released: frozenset[str]
) -> dict[Address, Manifest | None]:
    """Every artifact that a root leads to, with its manifest; None for one that does not exist or is only young."""
    waiting: list[tuple[Address, str]] = []
    for key in _roots(artifacts.store, ages, now, old_runs, old_studies):
        if key in released:
            continue
        waiting += [(address, key) for address in _addresses(_read_root(artifacts.store, key))]
    waiting += [(address, "") for address, stat in artifacts.manifest_store.references() if now - stat.modified < ages.young]
    found: dict[Address, Manifest | None] = {}
    while waiting:
        address, root = waiting.pop()
        if address in found and (found[address] or not root):
            continue
        manifest = found[address] = artifacts.manifest_store.get(*address)
        if manifest is None and root and artifacts.store.head(manifest_key(*address)):
            raise BadInput(f"{manifest_key(*address)}, which {root} relies on, is unreadable", "", "restore it from a backup, or delete it")
        for reference in manifest.inputs.values() if manifest else ():
            waiting.append(((reference.stage, reference.fingerprint, reference.digest), root))
    return found


def _roots(store: Store, ages: Ages, now: datetime, old_runs: set[str], old_studies: set[str]) -> Iterator[str]:
    for stat in store.list(LEDGERS):
        if now - stat.modified < ages.runs or not _is_over(_read_root(store, stat.key)):
            yield stat.key
    for prefix, old in ((RUNS, old_runs), (STUDIES, old_studies)):
        yield from (stat.key for stat in store.list(prefix) if stat.key.split("/")[1] not in old and stat.key.endswith(".json"))


def _open_trainings(store: Store, old_studies: set[str]) -> set[str]:
    """Fingerprints of trainings that a study may continue: those of its trials, until it is closed."""
    keys = [stat.key for stat in store.list(STUDIES) if stat.key.split("/")[1] not in old_studies]
    closed = {key.split("/")[1] for key in keys if key.endswith(f"/{CLOSED}")}
    tells = [key for key in keys if key.split("/")[1] not in closed and "/tells/" in key]
    return {ran["state"] for key in tells for ran in (_read_root(store, key) or {}).get("ran", ())}


NEVER_SERVED = frozenset({"refused", "proposed", "rejected", "expired"})
"""Decisions on which no champion and no rollback relies. A proposal expires before its run is old."""


def _is_over(entry: Any) -> bool:  # noqa: ANN401 - whatever the object holds
    """Whether a ledger entry is about a model that never served by it."""
    return isinstance(entry, dict) and entry.get("decision") in NEVER_SERVED


def _path(key: str) -> tuple[str, ...]:
    """The parts of a key below ``manifests/``: stage, fingerprint and, for a manifest, digest."""
    return tuple(key.removesuffix(".json").split("/")[1:])


def _old(store: Store, prefix: str, before: datetime) -> set[str]:
    """Names below a prefix without an object younger than ``before``: runs, or studies."""
    newest: dict[str, datetime] = {}
    for stat in store.list(prefix):
        run = stat.key.split("/")[1]
        newest[run] = max(stat.modified, newest.get(run, stat.modified))
    return {run for run, modified in newest.items() if modified < before}


def _read_root(store: Store, key: str) -> Any:  # noqa: ANN401 - whatever the object holds
    try:
        if key.startswith((LEDGERS, STUDIES)):
            return read_sealed(store, key)
        return read_record(store, key, json.loads)
    except NotFound:
        return None
    except ValueError as error:
        raise BadInput(f"{key} is not JSON, so gc cannot know what it relies on", "", "restore it from a backup, or delete it") from error


def _addresses(value: Any) -> list[Address]:  # noqa: ANN401 - whatever the object holds
    """Every reference inside parsed JSON, at any depth: a mapping with the four fields of `Reference`."""
    if isinstance(value, list):
        return [address for item in value for address in _addresses(item)]
    if not isinstance(value, dict):
        return []
    if {"type", "stage", "fingerprint", "digest"} <= value.keys():
        return [(value["stage"], value["fingerprint"], value["digest"])]
    return [address for item in value.values() for address in _addresses(item)]


def _checkpoint_blobs(store: Store, key: str) -> set[str]:
    try:
        record = read_record(store, key, Checkpoint.model_validate_json)
    except (NotFound, ValidationError):
        return set()
    return {blob_key(entry.sha256) for entry in record.files}
