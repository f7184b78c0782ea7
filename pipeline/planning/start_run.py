"""Start a run: make its plan, store the plan, and open the run in MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.artifacts.gc import wait_for_collection
from pipeline.planning.plan import Plan, Status
from pipeline.planning.planner import Planner
from pipeline.runs.records import plan_key
from pipeline.tracking import parent_run

if TYPE_CHECKING:
    from pipeline.experiments.records import Pinned
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def plan_run(
    recipe: Recipe,
    run: str,
    settings: Settings,
    force: frozenset[str] = frozenset(),
    *,
    line: str = "train",
    started_by: str | None = None,
    pinned: Pinned | None = None,
    record: bool = True,
) -> Plan:
    """Find out which steps of one of the recipe's lines have to run.

    Args:
        recipe: the recipe with all overrides.
        run: id of the run.
        settings: where things are.
        force: steps that run although their artifact exists.
        line: one of `pipeline.lines.LINES`.
        started_by: the person who started the run; None if nobody did.
        pinned: what a study pinned; None looks at what there is now.
        record: True stores ``runs/<run>/plan.json`` and, if any step has to run, opens the MLflow run. False only returns the plan.

    Raises:
        BadInput: see `Planner`.
        Unavailable: the store, MLflow or the source is unreachable.
    """

    def make() -> Plan:
        made = Planner(recipe, settings, line, force, read_only=not record, pinned=pinned).plan(run)
        return made.model_copy(update={"started_by": started_by})

    plan = make()
    if record:
        store = open_store(settings)
        store.put(plan_key(run), plan.model_dump_json(indent=2).encode())
        # a collection that began before the plan was stored may have removed what the plan relies on
        while wait_for_collection(store):
            plan = make()
            store.put(plan_key(run), plan.model_dump_json(indent=2).encode())
    if record and not plan.nothing_to_do:
        hits = {f"trainshed.hit.{row.id}": row.reference.fingerprint for row in plan.steps if row.status is Status.HIT and row.reference}
        partition = {"trainshed.partition": recipe.data.partition} if recipe.data.partition else {}
        parent_run(settings, recipe.name, run, {"trainshed.recipe": recipe.name, **partition, **hits})
    return plan
