"""Run a line on this machine, step by step, without Airflow: the quick loop of a developer (`trainshed run --local`)."""

from __future__ import annotations

import getpass
import itertools
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import Interrupted, Outdated, Unavailable
from pipeline.lines import trace
from pipeline.local.run_step import run_step
from pipeline.planning import Plan, Status, find_result, plan_run, prepare_step
from pipeline.tracking import end_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.artifacts.manifest import Reference
    from pipeline.experiments.records import Pinned
    from pipeline.planning import PreparedStep
    from pipeline.recipe import Recipe
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

log = logging.getLogger(__name__)
ATTEMPTS = 4


def never() -> bool:
    """The default of ``should_stop``: only Ctrl-C stops the run."""
    return False


class RunListener(Protocol):
    """Is called with what happens in a run, to show it."""

    def on_plan(self, plan: Plan) -> None:
        """The line was planned."""

    def on_step_start(self, step_id: str) -> None:
        """A step starts."""

    def on_step_line(self, step_id: str, line: str) -> None:
        """A step printed a line."""

    def on_step_end(self, step_id: str, reference: Reference | None) -> None:
        """A step ended; None if it was skipped."""


@dataclass
class LocalRun:
    """One run of a line on this machine."""

    recipe: Recipe
    run: str
    settings: Settings
    listener: RunListener
    force: frozenset[str] = frozenset()
    line: str = "train"
    """One of `pipeline.lines.LINES`."""
    should_stop: Callable[[], bool] = never
    """Called five times a second while a step runs; after the first True it checkpoints and ends, and the run with it."""
    pinned: Pinned | None = None
    """What a study pinned; None looks at what there is now."""
    outputs: dict[str, Reference | None] = field(default_factory=dict)
    tracked: bool = False
    """Whether the run was opened in MLflow; a run in which no step runs is not."""

    def execute(self) -> Mapping[str, Reference | None]:
        """Plan the line, run its misses, and end the MLflow run. After a damaged input, or another champion, it plans again.

        Raises:
            BadInput: the recipe, the source or a step's input is wrong.
            Unavailable: a dependency is unavailable, or every attempt of a step failed.
            Interrupted: Ctrl-C.
        """
        status = "FAILED"
        try:
            self._run_line_replanned()
            status = "FINISHED"
        except KeyboardInterrupt as error:
            status = "KILLED"
            raise Interrupted("interrupted; the running step wrote a checkpoint", "", f"run {self.recipe.name} again to resume") from error
        finally:
            if self.tracked:
                self._end(status)
        return self.outputs

    def _end(self, status: str) -> None:
        """End the MLflow run, and write the page of all models."""
        from pipeline.pages.index import try_write_index  # only here: a run without a miss does not pay for its imports

        end_run(self.settings, self.recipe.name, self.run, status)
        try_write_index(self.settings)

    def _run_line_replanned(self) -> None:
        for count in itertools.count():
            try:
                return self._run_line()
            except Outdated as error:
                if count >= error.replans:
                    raise
                log.warning("%s; the run is planned again", error)
        raise AssertionError  # the loop returns or raises

    def _run_line(self) -> None:
        plan = self.plan()
        self.tracked = self.tracked or not plan.nothing_to_do
        self.listener.on_plan(plan)
        self.outputs = {row.id: row.reference for row in plan.steps if row.status in {Status.HIT, Status.SKIPPED}}
        for step in trace(self.recipe, self.line):
            if step.id not in self.outputs:
                self.outputs[step.id] = self._run_step(step.id)

    def plan(self) -> Plan:
        """Plan the line, and record the plan."""
        person = getpass.getuser()
        return plan_run(self.recipe, self.run, self.settings, self.force, line=self.line, started_by=person, pinned=self.pinned)

    def prepare(self, step_id: str) -> PreparedStep:
        """Find a step's artifact, or write its request."""
        return prepare_step(self.recipe, self.run, step_id, self.settings, self.outputs, self.force, self.line, self.pinned)

    def _run_step(self, step_id: str) -> Reference | None:
        prepared = self.prepare(step_id)
        reference = prepared.reference
        if prepared.request and prepared.request_uri:
            reference = self.launch(prepared.request, prepared.request_uri)
        self.listener.on_step_end(step_id, reference)
        return reference

    def launch(self, request: Request, request_uri: str) -> Reference:
        """Run the component of a request to its end, with retries.

        Raises:
            BadInput: an input is wrong.
            Unavailable: every attempt failed, or it was told to stop.
        """
        self.listener.on_step_start(request.step)
        for count in range(1, ATTEMPTS + 1):
            try:
                run_step(request, request_uri, self.settings, partial(self.listener.on_step_line, request.step), self.should_stop)
            except Outdated:
                raise
            except Unavailable as error:
                if count == ATTEMPTS or self.should_stop():
                    raise
                log.warning("%s: %s; retry: attempt %d of %d", request.step, error, count + 1, ATTEMPTS)
            else:
                return find_result(request, self.settings)
        raise AssertionError  # the loop returns or raises


def run_local(
    recipe: Recipe, run: str, settings: Settings, listener: RunListener, force: frozenset[str] = frozenset(), line: str = "train"
) -> Mapping[str, Reference | None]:
    """Run one of the recipe's lines on this machine; see `LocalRun.execute`.

    Returns:
        The artifact of each step by id; None for a skipped step.
    """
    return LocalRun(recipe, run, settings, listener, force, line).execute()
