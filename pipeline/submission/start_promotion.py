"""Start the run of a recipe's line ``promote`` for a proposal that waits, unless one asks about it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.registry.answers import question_about
from pipeline.runs.names import dag_name, new_run_name

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.submission.airflow_client import Airflow


def start_promotion(airflow: Airflow, recipe: Recipe, proposal: int) -> str | None:
    """Trigger the DAG.

    Args:
        airflow: logged in as a user who may trigger it.
        recipe: whose model is proposed.
        proposal: number of the ledger entry.

    Returns:
        Name of the run; None if a run asks about this proposal already.

    Raises:
        BadInput: Airflow has no such DAG, or it is paused.
    """
    dag = dag_name(recipe.name, "promote")
    found = airflow.dag(dag)
    if found is None:
        raise BadInput(
            f"Airflow has no DAG {dag}", "the DAG of a recipe with registration.approval", "read `trainshed logs airflow-dag-processor`"
        )
    if found["is_paused"]:
        raise BadInput(f"the DAG {dag} is paused", "", "unpause it in Airflow")
    if any(row.subject.endswith(question_about(recipe.registration.model, proposal)) for row in airflow.questions(dag)):
        return None
    run = new_run_name(dag)
    airflow.trigger(dag, run, {})
    return run
