"""A study between two rounds: what came of the trials, what is asked next, and which steps of them have to run.

Everything is read from the store, so any task of an engine may be repeated, and a lost one changes nothing. Trials that need the same
artifact share it: only the first of them runs the step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput, Unavailable
from pipeline.experiments.budget import check_prices, used_up
from pipeline.experiments.records import Closed, Study, StudyRecords
from pipeline.experiments.schedule import best_trial, next_round, round_of
from pipeline.experiments.tracking import StudyTracking
from pipeline.experiments.trial import LINE, TrialRun, complete, failed, trial_recipe
from pipeline.lines import trace
from pipeline.planning.plan import Status
from pipeline.planning.planner import Planner
from pipeline.planning.resolve import InputResolver
from pipeline.planning.start_run import plan_run
from pipeline.recipe import Recipe
from pipeline.runs.names import trial_name
from pipeline.runs.records import read_failure, read_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Reference
    from pipeline.experiments.records import Ask, Tell
    from pipeline.experiments.trial import PriceOf
    from pipeline.planning.plan import Plan
    from pipeline.settings import Settings

DONE = frozenset({Status.HIT, Status.SKIPPED})


def begin_study(recipe: Recipe, study: str, settings: Settings, price_of: PriceOf, started_by: str | None = None) -> Study:
    """Record a study, with the sources and champions as they are now; the record of one that began already is left as it is.

    Args:
        recipe: the recipe with its experiment.
        study: name of the study.
        settings: where things are.
        price_of: prices of machine sizes.
        started_by: the person who begins it; None if nobody does.

    Raises:
        BadInput: it began with another recipe, a machine size has no price, or a source is missing.
        Unavailable: a source or the store is unreachable.
    """
    steps = trace(recipe, LINE)
    check_prices(recipe, steps, price_of)
    artifacts = open_artifacts(settings)
    records = StudyRecords(artifacts.store, study)
    plain = recipe.model_dump(mode="json")
    began = records.began() or records.begin(plain, InputResolver(settings, artifacts).pin(steps), started_by)
    if began.recipe != plain:
        raise BadInput(f"{study} began with another recipe", "the same recipe", "begin another experiment")
    return began


@dataclass
class OpenStudy:
    """A study that has begun."""

    study: str
    settings: Settings
    price_of: PriceOf
    artifacts: Artifacts = field(init=False)
    records: StudyRecords = field(init=False)
    began: Study = field(init=False)
    recipe: Recipe = field(init=False)
    """As the study began with it: a recipe file that is edited meanwhile changes the next study."""
    _planned: dict[int, Plan] = field(default_factory=dict)
    """Plans that `ask` made, by the number of the ask."""

    def __post_init__(self) -> None:
        """Read how it began.

        Raises:
            BadInput: there is no such study.
        """
        self.artifacts = open_artifacts(self.settings)
        self.records = StudyRecords(self.artifacts.store, self.study)
        began = self.records.began()
        if began is None:
            raise BadInput(f"no experiment {self.study!r} in the store", "", "begin another one")
        self.began, self.recipe = began, Recipe.model_validate(began.recipe)

    @cached_property
    def tracking(self) -> StudyTracking:
        """Its runs in MLflow."""
        return StudyTracking(self.settings, self.recipe, self.study)

    def ask(self) -> list[Ask]:
        """Record the asks of the next round, plan their trials, and tell those that have nothing to run; what is left to run.

        Raises:
            Unavailable: a server is unreachable.
        """
        if self.used_up():
            return []
        # all of a round are recorded before any runs: what comes of one must not change another
        asks = [self.records.ask(ask) for ask in next_round(self.recipe, self.records.asks(), self.records.tells())]
        for ask in self._untold(asks):
            self.tracking.start(ask)
            try:
                self._planned[ask.number] = self._record_plan(ask)
                self._tell_complete(ask, self._planned[ask.number])
            except BadInput as error:
                self._tell_failed(ask, {}, str(error))
        return self._untold(asks)

    def used_up(self) -> str:
        """Which budget is used up, as a sentence; empty if none is."""
        return used_up(self.recipe, self.records.tells().values())

    def open_asks(self) -> list[Ask]:
        """What was asked and is not told, in order."""
        return self._untold(self.records.asks().values())

    def needing(self, asks: Iterable[Ask], step_id: str) -> list[int]:
        """Numbers of the asks whose trials have to run a step; of those that need the same artifact, the first.

        Args:
            asks: asks of one round.
            step_id: the step; those before it have ended.
        """
        found: dict[str, int] = {}
        for ask in asks:
            # nothing has run since this task planned them
            row = (self._planned.get(ask.number) or self.plan(ask)).step(step_id)
            if row.status is Status.MISS and row.fingerprint:
                found.setdefault(row.fingerprint, ask.number)
        return list(found.values())

    def trial(self, ask: Ask) -> Recipe:
        """The recipe of an ask's trial.

        Raises:
            BadInput: its values do not fit together.
        """
        return trial_recipe(self.recipe, ask.values, ask.until)

    def plan(self, ask: Ask) -> Plan:
        """What is in the store for an ask's trial."""
        return Planner(self.trial(ask), self.settings, LINE, pinned=self.began.pinned).plan(self.run(ask))

    def outputs(self, plan: Plan) -> dict[str, Reference | None]:
        """The artifacts that a plan found, by step; None for a step that has none."""
        return {row.id: row.reference for row in plan.steps if row.status in DONE}

    def run(self, ask: Ask) -> str:
        """Name of the run of an ask's trial."""
        return trial_name(self.study, ask.trial)

    def tell(self, ask: Ask, plan: Plan, made: Reference) -> None:
        """Record what came of an ask if its trial is complete.

        Args:
            ask: the ask.
            plan: of its trial, before its step ran.
            made: the artifact of that step.
        """
        rows = [row if row.status in DONE else row.model_copy(update={"status": Status.HIT, "reference": made}) for row in plan.steps]
        if sum(row.status not in DONE for row in plan.steps) <= 1:
            self._tell_complete(ask, plan.model_copy(update={"steps": tuple(rows)}))

    def tell_ended(self, before: int) -> None:
        """Record what came of every ask of the rounds before one: their tasks have ended.

        Args:
            before: number of a round. Its own asks may be recorded already, by an earlier attempt of the task that asks for it.

        Raises:
            BadInput: a trial did not end, and neither its values nor the budget are to blame.
        """
        asks = [ask for ask in self.open_asks() if round_of(self.recipe, ask) < before]
        plans = {ask.number: self.plan(ask) for ask in asks}
        for ask in asks:
            if not self._tell_complete(ask, plans[ask.number]):
                self._tell_ended(ask, plans)

    def close(self) -> Closed:
        """Record the end: the best trial, and why there are no more."""
        asks, tells = self.records.asks(), self.records.tells()
        reason = self.used_up() or "Every trial was run."
        best = best_trial(self.recipe, asks, tells)
        ended = Closed(best=best.trial if best else None, value=best.value if best else None, reason=reason, time=datetime.now(UTC))
        return self.records.close(ended)

    def _untold(self, asks: Iterable[Ask]) -> list[Ask]:
        tells = self.records.tells()
        return [ask for ask in asks if ask.number not in tells]

    def _record_plan(self, ask: Ask) -> Plan:
        """Plan a trial and store its plan: garbage collection then keeps what it relies on."""
        person = self.began.started_by
        return plan_run(self.trial(ask), self.run(ask), self.settings, line=LINE, started_by=person, pinned=self.began.pinned)

    def _tell_complete(self, ask: Ask, plan: Plan) -> bool:
        """Record an ask whose trial is complete; whether it is."""
        outputs = self.outputs(plan)
        if len(outputs) < len(plan.steps):
            return False
        ran = TrialRun(ask, self.run(ask), trace(self.recipe, LINE), outputs, shared=self.study)
        self._record(ask, complete(ran, self.recipe, self.artifacts, self.records.tells().values(), self.price_of))
        return True

    def _tell_ended(self, ask: Ask, plans: Mapping[int, Plan]) -> None:
        """Record that a trial failed; the failure may be that of an earlier trial, which ran the step for both."""
        row = next(row for row in plans[ask.number].steps if row.status not in DONE)
        first = next(number for number, plan in plans.items() if plan.step(row.id).fingerprint == row.fingerprint)
        by = self.records.asks()[first]
        failure = read_failure(self.artifacts.store, self.run(by), row.id)
        if failure is None and self.used_up():
            return
        if failure is None or (failure.exit_code == Unavailable.exit_code and not failure.killed):
            why = failure.message if failure else f"{row.id} did not run"
            raise BadInput(f"trial {ask.trial} did not end: {why}", "", f"clear the task of {row.id} in Airflow; the study goes on")
        lost = (row.id, self._seconds(by, row.id)) if by.number == ask.number else None
        self._tell_failed(ask, self.outputs(plans[ask.number]), failure.message, lost)

    def _tell_failed(self, ask: Ask, outputs: dict[str, Reference | None], reason: str, lost: tuple[str, float] | None = None) -> None:
        ran = TrialRun(ask, self.run(ask), trace(self.recipe, LINE), outputs, lost, self.study)
        self._record(ask, failed(ran, reason, self.recipe, self.artifacts, self.records.tells().values(), self.price_of))

    def _seconds(self, ask: Ask, step_id: str) -> float:
        """How long the last attempt at a failed step ran."""
        progress = read_progress(self.artifacts.store, self.run(ask), step_id)
        return (progress.updated - progress.started).total_seconds() if progress else 0.0

    def _record(self, ask: Ask, tell: Tell) -> None:
        self.tracking.tell(ask, self.records.tell(tell))
