"""What an engine can know of a study before it begins: which steps all trials share, which ones differ, and how many rounds there are.

An Airflow DAG has the same tasks in every run, so it is built from this. Which of the trials need a task is known when a round is asked
for.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.experiments.schedule import count_rounds
from pipeline.experiments.space import experiment_of
from pipeline.experiments.trial import LINE, trial_recipe
from pipeline.lines import trace
from pipeline.recipe.experiment_checks import ends, is_whole
from pipeline.runs.names import PLAN_TASK

if TYPE_CHECKING:
    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Scalar

CLOSE_TASK = "close"
"""Id of the task that ends a study."""


class StudyShape(NamedTuple):
    """The parts of a study that do not depend on what comes of its trials."""

    shared: tuple[Step, ...]
    """Steps that are the same for every trial."""

    own: tuple[Step, ...]
    """Steps that differ among trials: those whose params the experiment searches, and all after them."""

    rounds: int
    """Rounds of asks, at most."""

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Ids of the tasks of an engine, in order."""
        ids = [PLAN_TASK, *(step.id for step in self.shared)]
        for number in range(1, self.rounds + 1):
            ids.append(ask_task(number))
            for place, step in enumerate(self.own):
                ids += ([need_task(step.id, number)] if place else []) + [trial_task(step.id, number)]
        return (*ids, CLOSE_TASK)


def ask_task(number: int) -> str:
    """Id of the task that asks for a round, counted from 1."""
    return f"ask_{number}"


def need_task(step_id: str, number: int) -> str:
    """Id of the task that finds which trials of a round need a step."""
    return f"need_{step_id}_{number}"


def trial_task(step_id: str, number: int) -> str:
    """Id of the task that runs a step for the trials of a round."""
    return f"{step_id}_{number}"


def study_shape(recipe: Recipe) -> StudyShape:
    """The shape of the recipe's experiment."""
    steps = trace(recipe, LINE)
    differing = {step_id for field in experiment_of(recipe).search for step_id in _changed_by(recipe, field, steps)}
    own: list[Step] = []
    for step in steps:
        if step.id in differing or any(origin in own for origin in step.upstream):
            own.append(step)
    return StudyShape(tuple(step for step in steps if step not in own), tuple(own), count_rounds(recipe))


def _changed_by(recipe: Recipe, field: str, steps: tuple[Step, ...]) -> set[str]:
    """Steps that a searched field changes: each of its values, or ends, is tried alone. Where none of them is valid alone, all steps."""
    domain = experiment_of(recipe).search[field]
    found: list[set[str]] = []
    values: tuple[Scalar, ...] = domain.values or ends(domain, whole=is_whole(recipe, field, domain))
    for value in values:
        with suppress(BadInput):
            found.append(_differing(steps, trace(trial_recipe(recipe, {field: value}, None), LINE)))
    return set().union(*found) if found else {step.id for step in steps}


def _differing(steps: tuple[Step, ...], others: tuple[Step, ...]) -> set[str]:
    """Steps of the first line that the second one has with other params, or has not."""
    known = {step.id: step.params for step in others}
    return {step.id for step in steps if known.get(step.id) != step.params}
