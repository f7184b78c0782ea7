"""Starts a recipe when its source has new data: one small Airflow DAG for each recipe with `schedule: {new_data: {every: ...}}`.

**What it does.** At each time of the cron expression, it pins the source: digests of files, etags of objects, versions of packages.
If the digest differs from the last one, it updates the Asset `x-trainshed://<recipe>/source`, and the recipe's own DAG starts. If not,
it ends with "nothing new".

**If an event is lost**, e.g. because the recipe's DAG was paused, the digest is announced again at the next time, until a run begins.

**Start by hand.** Trigger this DAG to look now. Another system may also post an event of the Asset to Airflow's REST API.

**When it is red.** Its log ends with one line: the source is missing, or a server is unreachable.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.watch_dag import watch_dags
from pipeline.settings import load_settings

# a running task needs its own DAG only; the DAG processor names no DAG and gets all
globals().update(watch_dags(load_settings(), __doc__ or "", only=get_parsing_context().dag_id).dags)
