"""Run an experiment on this machine: several trials at once, each step of the trials only once.

A trial runs in a thread, its steps in processes. Steps that several trials share, such as reading the corpus, run for the first trial
that needs them; the others wait for its result, without a process. The records of the study say what is done, so an experiment that was
stopped, or whose machine was lost, goes on where it was.
"""

from __future__ import annotations

import getpass
import logging
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput, Interrupted, Killed, TrainshedError, Unavailable
from pipeline.experiments.budget import used_up
from pipeline.experiments.records import Ask, Closed, StudyRecords, Tell
from pipeline.experiments.schedule import best_trial, next_round
from pipeline.experiments.tracking import StudyTracking
from pipeline.experiments.trial import LINE, TrialRun, complete, depends_on_values, failed, trial_recipe
from pipeline.lines import trace
from pipeline.local.run import LocalRun
from pipeline.planning import find_result
from pipeline.planning.study import begin_study
from pipeline.runs.names import trial_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.manifest import Reference
    from pipeline.experiments.records import Pinned
    from pipeline.experiments.trial import PriceOf
    from pipeline.planning import Plan, PreparedStep
    from pipeline.recipe import Recipe
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

log = logging.getLogger(__name__)


class ExperimentListener(Protocol):
    """Is called with what happens in an experiment, to show it; from several threads."""

    def on_ask(self, ask: Ask) -> None:
        """A trial starts, or goes on."""

    def on_line(self, trial: int, step_id: str, line: str) -> None:
        """A step of a trial printed a line."""

    def on_tell(self, tell: Tell) -> None:
        """A trial ended, or waits for the next rung."""


@dataclass
class _Shared:
    """Steps that run, or ran, by fingerprint: two trials that need the same one run it once."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: dict[str, Future[None]] = field(default_factory=dict)
    planning: threading.Lock = field(default_factory=threading.Lock)
    """Held while a trial is planned: a fingerprint parses modules, and `ast.parse` of Python 3.11 at times raises SystemError (recursion
    depth mismatch) if two threads are in it."""

    def once(self, fingerprint: str, run: Callable[[], None]) -> bool:
        """Run a step, or wait for the trial that runs it; True if this call ran it. A failure is that of all who need the step."""
        with self.lock:
            found = self.running.get(fingerprint)
            own = found or self.running.setdefault(fingerprint, Future())
        if found:
            found.result()
            return False
        try:
            run()
        except BaseException as error:
            if isinstance(error, Unavailable):
                # the run may be planned again, and then it needs another attempt
                with self.lock:
                    del self.running[fingerprint]
            own.set_exception(error)
            raise
        own.set_result(None)
        return True


@dataclass
class _Trial(LocalRun):
    """One trial as a run: its line, with steps shared among the trials of a study."""

    shared: _Shared = field(default_factory=_Shared)
    running: str = ""
    """The step that runs, or failed."""
    lost: tuple[str, float] | None = None
    """The step that failed, and its seconds; None where another trial ran it."""

    def plan(self) -> Plan:
        """Plan the line, and record the plan; one trial at a time."""
        with self.shared.planning:
            return super().plan()

    def prepare(self, step_id: str) -> PreparedStep:
        """Find a step's artifact, or write its request; one trial at a time."""
        with self.shared.planning:
            return super().prepare(step_id)

    def launch(self, request: Request, request_uri: str) -> Reference:
        """Run a step that no other trial runs; else wait for its result."""
        began, self.running = time.monotonic(), request.step

        def run() -> None:
            try:
                super(_Trial, self).launch(request, request_uri)
            except TrainshedError:
                self.lost = (request.step, time.monotonic() - began)
                raise

        if not self.shared.once(request.fingerprint, run):
            try:
                return find_result(request, self.settings)
            except Unavailable as error:
                log.warning("%s; %s runs again", error, request.step)
                run()
        return find_result(request, self.settings)


@dataclass
class _Lines:
    """Passes on what a trial's steps print."""

    trial: int
    listener: ExperimentListener

    def on_plan(self, plan: Plan) -> None:
        """Nothing to show."""

    def on_step_start(self, step_id: str) -> None:
        """Show it as a line."""
        self.listener.on_line(self.trial, step_id, "running")

    def on_step_line(self, step_id: str, line: str) -> None:
        """Pass it on."""
        self.listener.on_line(self.trial, step_id, line)

    def on_step_end(self, step_id: str, reference: Reference | None) -> None:
        """Nothing to show."""


@dataclass
class LocalExperiment:
    """One study on this machine."""

    recipe: Recipe
    study: str
    settings: Settings
    listener: ExperimentListener
    price_of: PriceOf
    records: StudyRecords = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    _shared: _Shared = field(default_factory=_Shared)
    _pinned: Pinned | None = None

    def __post_init__(self) -> None:
        """Open the records."""
        self.artifacts = open_artifacts(self.settings)
        self.records = StudyRecords(self.artifacts.store, self.study)

    def execute(self) -> Closed:
        """Run every trial that is not told yet, and end the study.

        Raises:
            BadInput: the study began with another recipe, or a machine size has no price.
            Unavailable: a dependency is unavailable; the study goes on when it is run again.
            Interrupted: Ctrl-C; the same.
        """
        self._pinned = begin_study(self.recipe, self.study, self.settings, self.price_of, getpass.getuser()).pinned
        tracking = self.tracking = StudyTracking(self.settings, self.recipe, self.study)
        try:
            reason = self._run_rounds()
        except BaseException as error:
            with suppress(TrainshedError):
                tracking.stop()
            if not isinstance(error, KeyboardInterrupt):
                raise
            resume = f"trainshed experiment {self.recipe.name} --local --resume {self.study}"
            raise Interrupted("interrupted; running steps wrote a checkpoint", "", resume) from error
        return self._close(reason)

    def _run_rounds(self) -> str:
        """Run round after round; why there are no more, as a sentence."""
        while asks := next_round(self.recipe, self.records.asks(), self.records.tells()):
            # all of a round are recorded before any runs: what comes of one must not change another
            recorded = [self.records.ask(ask) for ask in asks]
            self._run_round([ask for ask in recorded if ask.number not in self.records.tells()])
            reason = used_up(self.recipe, self.records.tells().values())
            if reason:
                return reason
        return "Every trial was run."

    def _run_round(self, asks: list[Ask]) -> None:
        """Run the trials of a round, some at once.

        Raises:
            Unavailable: of the first trial that could not go on.
        """
        assert self.recipe.experiment is not None  # noqa: S101 - the command looked
        with ThreadPoolExecutor(self.recipe.experiment.at_once, "trial") as pool:
            futures = [pool.submit(self._run_trial, ask) for ask in asks]
            try:
                ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
                problem = next((error for future in ended if (error := future.exception())), None)
            finally:
                # one that cannot go on, or Ctrl-C, ends the others after a checkpoint
                if not all(future.done() for future in futures):
                    self.stopping.set()
        if problem:
            raise problem

    def _run_trial(self, ask: Ask) -> None:
        if self.stopping.is_set() or used_up(self.recipe, self.records.tells().values()):
            return
        self.listener.on_ask(ask)
        self.tracking.start(ask)
        tell = self.records.tell(self._try(ask))
        self.tracking.tell(ask, tell)
        self.listener.on_tell(tell)

    def _try(self, ask: Ask) -> Tell:
        """Run a trial to its end; what came of it, a failure too.

        Raises:
            Unavailable: it was told to stop, or a dependency is unavailable: nobody's values are to blame.
            TrainshedError: a step failed that is the same for every trial.
        """
        before, run = self.records.tells().values(), trial_name(self.study, ask.trial)
        steps = trace(self.recipe, LINE)
        try:
            recipe = trial_recipe(self.recipe, ask.values, ask.until)
        except BadInput as error:
            return failed(TrialRun(ask, run, steps, {}), str(error), self.recipe, self.artifacts, before, self.price_of)
        lines = _Lines(ask.trial, self.listener)
        trial = _Trial(
            recipe, run, self.settings, lines, line=LINE, should_stop=self.stopping.is_set, pinned=self._pinned, shared=self._shared
        )
        try:
            trial.execute()
        except TrainshedError as error:
            if (isinstance(error, Unavailable) and not isinstance(error, Killed)) or not depends_on_values(
                self.recipe, recipe, trial.running
            ):
                raise
            ran = TrialRun(ask, run, steps, trial.outputs, trial.lost)
            return failed(ran, str(error), self.recipe, self.artifacts, before, self.price_of)
        return complete(TrialRun(ask, run, steps, trial.outputs), self.recipe, self.artifacts, before, self.price_of)

    def _close(self, reason: str) -> Closed:
        asks, tells = self.records.asks(), self.records.tells()
        best = best_trial(self.recipe, asks, tells)
        return self.records.close(
            Closed(best=best.trial if best else None, value=best.value if best else None, reason=reason, time=datetime.now(UTC))
        )
