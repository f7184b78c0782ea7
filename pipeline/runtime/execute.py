"""One attempt of one step: verify inputs → body → blobs → manifest last → end the MLflow run."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.checkpoints import StoredCheckpoints
from pipeline.artifacts.gc import wait_for_collection
from pipeline.artifacts.lease import Lease
from pipeline.artifacts.manifest import Provenance
from pipeline.erasure.tombstones import APPLIED
from pipeline.errors import Preempted, TrainshedError, Unavailable
from pipeline.runtime.check_request import check_identity, check_inputs, check_params
from pipeline.runtime.run_reporter import RunReporter
from pipeline.runtime.version import code_version
from pipeline.runtime.watchdog import Watchdog
from pipeline.runtime.work import Work
from pipeline.runtime.work_folder import open_inputs, work_folder
from pipeline.runtime.worker_rank import join_ranks
from pipeline.tracking import MetricsOutbox, flat, step_run

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
    from pipeline.training.process_group import ProcessGroup

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
    outbox: MetricsOutbox
    process_group: ProcessGroup | None

    def find_existing(self) -> Manifest | None:
        """The artifact, if another attempt committed it; always None for a component with an external effect."""
        if self.request.force or self.component.effect:
            return None
        found = self.artifacts.find(self.component.name, self.parts.fingerprint)
        # one that an attempt made that knew less of what is to be forgotten may hold it
        stale = found and self.request.pin and found.counts.get(APPLIED, 0) < self.request.pin.forgotten_until
        return found if found and not stale and not self.artifacts.missing(found) else None

    def run(self) -> Manifest:
        """Run the body on verified inputs and commit its output."""
        started = datetime.now(UTC)
        with _tracked(self.settings, self.request) as run, work_folder(self.settings, self.request, self.lease.epoch) as place:
            run.log_params(dict(flat(self.request.params)))
            work = self._work(run, place)
            self.body(work)
            if not any(work.output.iterdir()):
                raise TrainshedError(f"bug: the body of {self.component.name} made no files")
            self.reporter.beat()
            self.outbox.flush(run, self._wait_for_mlflow)
            run.log_figures(work.metrics)
            manifest = self._commit(work, started)
            self._clear_checkpoints(work)
            with _best_effort("the MLflow run has no tags of its artifact"):
                run.tag({"trainshed.fingerprint": manifest.fingerprint, "trainshed.digest": manifest.digest})
        return manifest

    @property
    def state(self) -> str:
        """The fingerprint under which a training keeps its state."""
        return self.parts.training_state(self.component.budget)

    def _clear_checkpoints(self, work: Work[Any]) -> None:
        """Delete the checkpoints of a committed training, unless it may continue or another attempt took over and works with them."""
        if isinstance(work.trained, StoredCheckpoints) and self.state == self.parts.fingerprint:
            with _best_effort("the checkpoints are kept until garbage collection"):
                self.lease.renew()
                work.trained.clear()

    def _wait_for_mlflow(self) -> None:
        """Called about once a second while the outbox waits for MLflow; ends the wait when the step has to stop."""
        self.reporter.beat()
        if self.reporter.stopping():
            raise Preempted("told to stop while metrics wait for MLflow", "", "run it again")

    def _work(self, run: MlflowRun, place: Path) -> Work[Any]:
        output = place / "output"
        output.mkdir()
        checkpoints = None
        if self.component.trains:
            local = place / "checkpoints"
            last = self.component.last_step(self.parts.params)
            checkpoints = StoredCheckpoints(self.artifacts, self.component.name, self.state, self.lease, local, self.outbox, run, last)
        inputs = open_inputs(self.component, self.artifacts, self.request, place)
        return Work(
            self.request,
            self.params,
            inputs,
            output,
            self.reporter,
            self.settings,
            self.artifacts,
            self.parts,
            run,
            checkpoints,
            self.process_group,
        )

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
            inputs={name: given for name, given in self.request.inputs.items() if self.component.input(name).recorded},
            counts=work.counts,
            metrics=work.metrics,
            intermediates=tuple(work.intermediates),
            provenance=provenance,
        )
        return self.artifacts.commit(draft, work.output, check=self.lease.renew)


def execute(
    component: Component,
    body: Callable[[Work[Any]], None],
    request: Request,
    settings: Settings,
    stop: Stop,
    on_stuck: Callable[[TrainshedError], object],
) -> Manifest:
    """Run ``body`` and commit its output.

    Args:
        component: the contract.
        body: fills ``work.output``.
        request: the step to run.
        settings: addresses and limits.
        stop: set once the process was told to stop.
        on_stuck: called by the watchdog just before it ends the process.

    Raises:
        BadInput: the request does not fit the contract or this code.
        Damaged: an input is damaged and now quarantined.
        Preempted: told to stop, or another attempt holds the lease.
        Unavailable: a server is unreachable, or the disk is full.
    """
    params = check_params(component, request)
    check_inputs(component, request)
    artifacts = open_artifacts(settings)
    parts = check_identity(component, params, request, artifacts)
    outbox = MetricsOutbox()
    reporter = RunReporter(artifacts.store, request.run, request.step, stop, outbox)
    artifacts.beat = reporter.beat
    watchdog = Watchdog(settings.watchdog_min * 60, lambda: reporter.pulse, on_stuck)
    lease = Lease(artifacts.store, parts.training_state(component.budget), ttl_s=settings.lease_ttl_s)
    watchdog.start()
    try:
        process_group = join_ranks(settings)
        attempt = Attempt(component, body, request, settings, params, parts, artifacts, lease, reporter, outbox, process_group)
        _acquire(lease, reporter, stop)
        # the lease keeps checkpoints from garbage collection from now on; one that began before may still remove them
        wait_for_collection(artifacts.store, partial(_keep_waiting, reporter, stop, "for a garbage collection"))
        manifest = attempt.find_existing()
        if process_group:
            process_group.broadcast_object(manifest is None)
        if manifest is None:
            reporter.start()
            manifest = attempt.run()
    finally:
        reporter.close()
        watchdog.close()
        lease.release()
    counts = {name: count for name, count in manifest.counts.items() if count}
    fields = {"stage": component.name, "digest": manifest.digest[:12], "files": len(manifest.files), "bytes": manifest.size, **counts}
    log.info("done", extra={"fields": fields})
    return manifest


def _acquire(lease: Lease, reporter: RunReporter, stop: Stop) -> None:
    """Wait for the lease; that of an attempt that died expires."""
    while not lease.acquire(wait_s=1.0):
        _keep_waiting(reporter, stop, "for the lease")


def _keep_waiting(reporter: RunReporter, stop: Stop, what: str) -> None:
    """Called about once a second while the attempt waits.

    Raises:
        Preempted: told to stop.
    """
    reporter.beat()
    if stop:
        raise Preempted(f"told to stop ({stop.reason}) while waiting {what}", "", "run it again")


@contextmanager
def _tracked(settings: Settings, request: Request) -> Iterator[MlflowRun]:
    """The nested MLflow run of this step; ended with the status that matches the outcome of the block."""
    run = step_run(settings, request.recipe, request.run, request.step)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except Unavailable:
        status = "KILLED"
        raise
    finally:
        with _best_effort(f"the MLflow run is not set to {status}"):
            run.end(status)


@contextmanager
def _best_effort(consequence: str) -> Iterator[None]:
    """Log an error of the block and continue: the outcome of the step is decided already."""
    try:
        yield
    except TrainshedError as error:
        log.warning("%s: %s", consequence, error)
