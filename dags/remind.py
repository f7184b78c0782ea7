"""Reminds people of a model that waits for their approval: one small Airflow DAG for each recipe with `notify.remind_days`.

**What it does.** Once a day it looks whether a proposal waits for answers. If it has waited `remind_days`, or so long since the last reminder, those
whom the recipe notifies of `waiting` are notified again: who may answer, how many answers are missing, and until when.

**When it is red.** Its log ends with one line: the ledger is damaged, or the store is unreachable. A channel that fails is a warning in the log.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.remind_dag import remind_dags
from pipeline.settings import load_settings

# a running task needs its own DAG only; the DAG processor names no DAG and gets all
globals().update(remind_dags(load_settings(), __doc__ or "", only=get_parsing_context().dag_id).dags)
