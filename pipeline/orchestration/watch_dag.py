"""The DAG that watches the source of one recipe: a single task, on the cron expression of ``schedule.new_data``.

`dags/train.py` makes it too. Airflow stores the DAGs of one file at once. From a file of its own, the first look could come before
Airflow knew the recipe's DAG. Then its event started nothing, and the training waited for the next look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.orchestration.dag import RecipeDags, build
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.schedules import watch_schedule
from pipeline.orchestration.side_dag import side_dag
from pipeline.orchestration.watch_operator import WatchOperator
from pipeline.runs.names import WATCH, line_of_dag, recipe_of_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

MANUAL = """\
Starts a recipe when its source has new data: the DAG beside each recipe with `schedule: {new_data: {every: ...}}`.

**What it does.** At each time of the cron expression, it pins the source: digests of files, etags of objects, versions of packages.
If the digest differs from the last one, it updates the Asset `x-trainshed://<recipe>/source`, and the recipe's own DAG starts. If not,
it ends with "nothing new".

**If an event is lost**, e.g. because the recipe's DAG was paused, the digest is announced again at the next time, until a run begins.

**Start by hand.** Trigger this DAG to look now. Another system may also post an event of the Asset to Airflow's REST API.

**When it is red.** Its log ends with one line: the source is missing, or a server is unreachable.
"""


def watch_dags(settings: Settings, only: str | None = None) -> RecipeDags:
    """Build the DAG ``<recipe>.watch`` of every valid recipe with ``schedule.new_data``.

    Args:
        settings: names the recipe folders.
        only: id of the one DAG to build.
    """
    # the file makes the recipe's DAG too, and each of its tasks reads the file
    if only and line_of_dag(only) != WATCH:
        return RecipeDags({}, ())
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    watched = [recipe for recipe in found.valid if watch_schedule(recipe)]
    return build(watched, watch_dag, found.errors)


def watch_dag(recipe: Recipe) -> DAG:
    """The DAG that watches one recipe's source."""
    with side_dag(recipe, WATCH, f"Looks whether the source of {recipe.name} has changed", watch_schedule(recipe), MANUAL) as dag:
        WatchOperator(recipe=recipe)
    return dag
