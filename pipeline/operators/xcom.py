"""What the plan task hands to the steps of its run.

The recipe travels along, overrides included: a file that is edited while a run is under way changes the next run, not the
second half of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.errors import BadInput
from pipeline.planning.plan import Plan, Status
from pipeline.recipe import Recipe
from pipeline.runs.names import PLAN_TASK

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "planned"


class Planned(Frozen):
    """One run, as it was planned."""

    recipe: Recipe
    """The recipe, with what the trigger form changed."""

    force: frozenset[str]
    """Steps that run although their artifact exists."""

    plan: Plan
    """Which steps have nothing to do, and what they once made."""

    @property
    def run(self) -> str:
        """Name of the run."""
        return self.plan.run

    def push(self, task_instance: Any) -> None:  # noqa: ANN401 - Airflow's protocol for it is private
        """Leave it for the steps."""
        task_instance.xcom_push(KEY, self.model_dump(mode="json"))


def pull_planned(task_instance: Any) -> Planned:  # noqa: ANN401 - Airflow's protocol for it is private
    """Read what the plan task of this run left.

    Raises:
        BadInput: it left nothing.
    """
    found = task_instance.xcom_pull(task_ids=PLAN_TASK, key=KEY)
    if not found:
        raise BadInput("this run has no plan", f"the task {PLAN_TASK} to have run", f"clear the task {PLAN_TASK}")
    return Planned.model_validate(found)


def pull_outputs(task_instance: Any, plan: Plan, steps: Iterable[str]) -> dict[str, Reference | None]:  # noqa: ANN401
    """Artifacts of earlier steps: a hit's stands in the plan, what ran left its own; None for a step that was left out."""
    outputs = {}
    for step_id in steps:
        row = plan.step(step_id)
        found = row.reference if row.status is Status.HIT else task_instance.xcom_pull(task_ids=step_id)
        outputs[step_id] = Reference.model_validate(found) if found else None
    return outputs
