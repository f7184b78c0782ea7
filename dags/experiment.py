"""Tries other values of a recipe's fields: one Airflow DAG for each recipe with `experiment`.

**What it does.** `plan` records the study and the revision of its sources. Steps that all trials share run once. `ask_1` suggests the
values of the first round, and each trial of the round is one mapped task. `ask_2` records what came of them and asks for the next round, and so
on. `close` names the best trial, and attaches the report to the study's run in MLflow. Trials are compared on the validation split. No
test split is read, and nothing is registered unless `register` asks for it.

**Start.** `trainshed experiment <recipe>`, or *Trigger* above. With `register`, the recipe runs at the end with the best values, and its gate
decides.

**When it is red.** A red trial is a trial that failed, e.g. because its loss diverged. The study goes on, and the report says why. A red `ask`
or `close` says in its last line what to do. Clear the red tasks, and the study goes on: what was asked and told stays as it was, in
`studies/<run>/` of the store.

**Stop.** `trainshed stop <run>`. Clear the run to go on: trials continue from their checkpoints.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.experiment_dag import experiment_dags
from pipeline.settings import load_settings

globals().update(experiment_dags(load_settings(), __doc__ or "", only=get_parsing_context().dag_id).dags)
