"""One attempt of one step: verify → body → blobs → manifest last → close the MLflow run."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.checkpoints import StoredCheckpoints
from pipeline.artifacts.lease import Lease
from pipeline.artifacts.manifest import Provenance
from pipeline.errors import Preempted, TrainshedError, Unavailable
from pipeline.runtime.identity import check_identity, check_inputs, check_params
from pipeline.runtime.run_reporter import RunReporter
from pipeline.runtime.version import code_version
from pipeline.runtime.watchdog import Watchdog
from pipeline.runtime.work import Work
from pipeline.runtime.work_folder import open_inputs, scratch
from pipeline.runtime.worker_rank import meet
from pipeline.tracking import Outbox, flat, step_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts
    from pipeline.component import Component, Params
    from pipeline.runs.request import Request
    from pipeline.runtime.stop import Stop
    from pipeline.settings import Settings
    from pipeline.tracking import MlflowRun
    from pipeline.training.ranks import Ranks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One attempt of one step, from a checked request to a committed artifact."""

    component: Component
    body: Callable[[Work[Any]], None]
    request: Request
    settings: Settings
    params: Params
    parts: Parts
    artifacts: Artifacts
    lease: Lease
    reporter: RunReporter
    outbox: Outbox
    ranks: Ranks | None

    def made_already(self) -> Manifest | None:
        """The artifact, if another attempt made it; never for a component that acts on the world."""
        if self.request.force or self.component.effect:
            return None
        found = self.artifacts.find(self.component.name, self.parts.fingerprint)
        return found if found and not self.artifacts.missing(found) else None

    def make(self) -> Manifest:
        """MlflowRun the body on verified inputs and commit what it made."""
        started = datetime.now(UTC)
        with _tracked(self.settings, self.request) as run, scratch(self.settings, self.request, self.lease.epoch) as place:
            run.log_params(dict(flat(self.request.params)))
            work = self._work(run, place)
            self.body(work)
            self.lease.renew()
            if not any(work.output.iterdir()):
                raise TrainshedError(f"{self.component.name} made no files", "at least one", "this is a bug in its body")
            self.reporter.beat()
            self.outbox.send(run)
            run.log_figures(work.metrics)
            manifest = self._commit(work, started)
            run.tag({"trainshed.fingerprint": manifest.fingerprint, "trainshed.digest": manifest.digest})
            if isinstance(work.trained, StoredCheckpoints):
                work.trained.clear()
        return manifest

    def _work(self, run: MlflowRun, place: Path) -> Work[Any]:
        output = place / "output"
        output.mkdir()
        checkpoints = None
        if self.component.trains:
            shelf = place / "checkpoints"
            checkpoints = StoredCheckpoints(
                self.artifacts, self.component.name, self.parts.fingerprint, self.lease, shelf, self.outbox, run
            )
        inputs = open_inputs(self.artifacts, self.request, place)
        return Work(self.request, self.params, inputs, output, self.reporter, self.settings, self.artifacts, run, checkpoints, self.ranks)

    def _commit(self, work: Work[Any], started: datetime) -> Manifest:
        provenance = Provenance(
            code_version=code_version(self.settings),
            run=self.request.run,
            started=started,
            finished=datetime.now(UTC),
            environment={**work.environment, **({"image": self.settings.image_digest} if self.settings.image_digest else {})},
        )
        draft = Draft(
            type=self.component.output,
            stage=self.component.name,
            parts=self.parts,
            inputs=self.request.inputs,
            counts=work.counts,
            metrics=work.metrics,
            provenance=provenance,
        )
        return self.artifacts.commit(draft, work.output)


def execute(
    component: Component,
    body: Callable[[Work[Any]], None],
    request: Request,
    settings: Settings,
    stop: Stop,
    on_stuck: Callable[[TrainshedError], object],
) -> Manifest:
    """MlflowRun ``body`` and commit what it made.

    Args:
        component: the contract.
        body: fills ``work.output``.
        request: what is asked for.
        settings: where things are.
        stop: tells whether to stop.
        on_stuck: called by the watchdog just before it ends the process.

    Raises:
        BadInput: the request does not fit the contract, or this code.
        Damaged: an input is damaged; it is quarantined.
        Preempted: told to stop, or the lease went to another attempt.
        Unavailable: a server is away, the disk is full.
    """
    params = check_params(component, request)
    check_inputs(component, request)
    parts = check_identity(component, params, request)
    artifacts = open_artifacts(settings)
    outbox = Outbox()
    reporter = RunReporter(artifacts.store, request.run, request.step, stop, outbox)
    watchdog = Watchdog(settings.watchdog_min * 60, lambda: reporter.pulse, on_stuck)
    lease = Lease(artifacts.store, parts.fingerprint, ttl_s=settings.lease_ttl_s)
    watchdog.start()
    try:
        ranks = meet(settings)
        attempt = Attempt(component, body, request, settings, params, parts, artifacts, lease, reporter, outbox, ranks)
        _acquire(lease, reporter, stop)
        manifest = attempt.made_already()
        if ranks:
            ranks.same(manifest is None)
        if manifest is None:
            reporter.start()
            manifest = attempt.make()
    finally:
        reporter.close()
        watchdog.close()
        lease.release()
    counts = {name: count for name, count in manifest.counts.items() if count}
    told = {"stage": component.name, "digest": manifest.digest[:12], "files": len(manifest.files), "bytes": manifest.size, **counts}
    log.info("done", extra={"fields": told})
    return manifest


def _acquire(lease: Lease, reporter: RunReporter, stop: Stop) -> None:
    """Wait until this attempt may work: an earlier one that died lets go when its lease runs out."""
    while not lease.acquire(wait_s=1.0):
        reporter.beat()
        if stop:
            raise Preempted(f"told to stop ({stop.reason}) while waiting for the lease", "to begin", "run again")


@contextmanager
def _tracked(settings: Settings, request: Request) -> Iterator[MlflowRun]:
    """The nested MLflow run of this step, with the status that fits how the block ends."""
    run = step_run(settings, request.recipe, request.run, request.step)
    try:
        yield run
    except Unavailable:
        run.end("KILLED")
        raise
    except BaseException:
        run.end("FAILED")
        raise
    run.end("FINISHED")
