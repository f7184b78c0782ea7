"""The interpreter that runs the misses here, one after another, without importing Airflow: a developer's quick loop."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import Interrupted, Unavailable
from pipeline.line import trace
from pipeline.local.run_step import DamageFound, attempt
from pipeline.planning import Plan, Status, confirm, plan_run, prepare
from pipeline.tracking import end_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.manifest import Reference
    from pipeline.planning import Prepared
    from pipeline.recipe import Recipe
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

log = logging.getLogger(__name__)
ATTEMPTS = 4


class Listener(Protocol):
    """Hears what happens, to show it."""

    def planned(self, plan: Plan) -> None:
        """The line was planned."""

    def began(self, step_id: str) -> None:
        """A step was started."""

    def said(self, step_id: str, line: str) -> None:
        """A step logged a line."""

    def ended(self, step_id: str, reference: Reference | None) -> None:
        """A step is done; None when it was left out."""


@dataclass
class LocalRun:
    """One run of a line on this machine."""

    recipe: Recipe
    run: str
    settings: Settings
    listener: Listener
    force: frozenset[str] = frozenset()
    outputs: dict[str, Reference | None] = field(default_factory=dict)
    tracked: bool = False
    """Whether the run was opened in MLflow: only one that has something to do is."""

    def go(self) -> Mapping[str, Reference | None]:
        """Plan, run the misses, end the MLflow run; damage found on the way plans anew, once.

        Raises:
            BadInput: the recipe, the source or a step's input is wrong.
            Unavailable: something stayed away, or a step was lost too often.
            Interrupted: Ctrl-C.
        """
        status = "FAILED"
        try:
            try:
                self._through()
            except DamageFound as error:
                log.warning("%s; planning anew", error)
                self._through()
            status = "FINISHED"
        except KeyboardInterrupt as error:
            status = "KILLED"
            raise Interrupted("interrupted; the step at work has checkpointed", "", f"run {self.recipe.name} again to go on") from error
        finally:
            if self.tracked:
                end_run(self.settings, self.recipe.name, self.run, status)
        return self.outputs

    def _through(self) -> None:
        plan = plan_run(self.recipe, self.run, self.settings, self.force)
        self.tracked = self.tracked or not plan.nothing_to_do
        self.listener.planned(plan)
        self.outputs = {row.id: row.reference for row in plan.steps if row.status in {Status.HIT, Status.OMITTED}}
        for step in trace(self.recipe):
            if step.id not in self.outputs:
                self.outputs[step.id] = self._step(step.id)

    def _step(self, step_id: str) -> Reference | None:
        prepared: Prepared = prepare(self.recipe, self.run, step_id, self.settings, self.outputs, self.force)
        reference = prepared.reference
        if prepared.request and prepared.request_uri:
            self.listener.began(step_id)
            reference = self._launch(prepared.request, prepared.request_uri)
        self.listener.ended(step_id, reference)
        return reference

    def _launch(self, request: Request, request_uri: str) -> Reference:
        for count in range(1, ATTEMPTS + 1):
            try:
                attempt(request, request_uri, self.settings, partial(self.listener.said, request.step), lambda: False)
            except DamageFound:
                raise
            except Unavailable as error:
                if count == ATTEMPTS:
                    raise
                log.warning("%s: %s; attempt %d of %d follows", request.step, error, count + 1, ATTEMPTS)
            else:
                return confirm(request, self.settings)
        raise AssertionError  # the loop returns or raises


def run_local(
    recipe: Recipe, run: str, settings: Settings, listener: Listener, force: frozenset[str] = frozenset()
) -> Mapping[str, Reference | None]:
    """MlflowRun the recipe's line here; see `LocalRun.go`.

    Returns:
        The artifact of each step by id; None for one that was left out.
    """
    return LocalRun(recipe, run, settings, listener, force).go()
