"""What the plan task passes to the steps of its run through XCom.

The recipe is part of it, overrides included: a recipe file that is edited during a run changes the next run, not the rest of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.errors import BadInput
from pipeline.experiments.records import Pinned
from pipeline.planning.plan import Plan, Status
from pipeline.recipe import Recipe
from pipeline.runs.names import PLAN_TASK

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "planned"


class PlannedRun(Frozen):
    """One run as it was planned."""

    recipe: Recipe
    """The recipe, with the overrides of the trigger form."""

    force: frozenset[str]
    """Ids of steps that run although their artifact exists."""

    pinned: Pinned | None = None
    """What a study pinned; None looks at what there is."""

    plan: Plan
    """Which steps are cache hits, and their artifacts."""

    @property
    def run(self) -> str:
        """Name of the run."""
        return self.plan.run

    def push(self, task_instance: Any) -> None:  # noqa: ANN401 - Airflow's protocol for it is private
        """Push it to XCom."""
        task_instance.xcom_push(KEY, self.model_dump(mode="json"))


def pull_plan(task_instance: Any) -> PlannedRun:  # noqa: ANN401 - Airflow's protocol for it is private
    """Pull what the plan task of this run pushed.

    Raises:
        BadInput: it pushed nothing.
    """
    found = task_instance.xcom_pull(task_ids=PLAN_TASK, key=KEY)
    if not found:
        raise BadInput("this run has no plan", "", f"clear the task {PLAN_TASK} in Airflow")
    return PlannedRun.model_validate(found)


def pull_outputs(task_instance: Any, plan: Plan, steps: Iterable[str]) -> dict[str, Reference | None]:  # noqa: ANN401
    """Artifacts of earlier steps by id: a cache hit's from the plan, others from XCom; None for a step that is not part of the run."""
    outputs = {}
    for step_id in steps:
        row = plan.step(step_id)
        found = row.reference if row.status is Status.HIT else task_instance.xcom_pull(task_ids=step_id)
        outputs[step_id] = Reference.model_validate(found) if found else None
    return outputs
