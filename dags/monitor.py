"""Looks at a champion after its promotion: one small Airflow DAG for each recipe with a section `monitor`.

**What it does.** It compares what the champion was asked since the last look with the corpus that it learned from. It measures the ages of data and
champion, and compares MLflow's alias with the promotion ledger. With `monitor.labelled`, it first scores the champion on fresh labelled records, if
their source has changed. Each look is a record in the store under `monitoring/<model>/`.

**What it starts.** If a threshold is crossed that retraining answers, it updates the Asset `x-trainshed://<recipe>/drift`, and a recipe that is
scheduled on it starts. It asks once in each cool-down of the recipe. An alias that someone moved is reported, and starts nothing.

**Read it.** `trainshed monitor <recipe>` looks at once and writes a page with the trend. The log of `look` says what was found.

**When it is red.** The log of the red task ends with one line: the corpus is too small or lost, the labelled source is gone, or a server is
unreachable. `look` runs whatever became of the steps before it.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.monitor_dag import monitor_dags
from pipeline.settings import load_settings

# a running task needs its own DAG only; the DAG processor names no DAG and gets all
globals().update(monitor_dags(load_settings(), __doc__ or "", only=get_parsing_context().dag_id).dags)
