"""Keeps a language model trained, tested and promoted: one Airflow DAG for each recipe.

**What it does.** `plan` looks up which artifacts exist and skips every step whose artifact does. The other steps read a source of
text, train a tokenizer, pretrain and fine-tune a model, evaluate it next to the champion and the baselines, and register it.
`registration` promotes the model if it passes the gate, or proposes it where the recipe asks people (`promote.py`). A refused promotion is
a successful run; the log of `registration` says why.

**Start.** `trainshed run <recipe>`, or *Trigger* above. The form holds the fields that one run may change: tokenizer, model,
training and machine sizes. Only the recipe file decides what the model is made from and how it is judged. `force` names steps to
run although their artifact exists. A recipe with a schedule starts by itself once its DAG is switched on.

**Stop.** `trainshed stop <run>`, or mark the run as failed. The running step writes a checkpoint; the next run resumes from it.

**When it is red.** Open the log of the red task. Its last error is one line: what happened, what was expected, and the fix.
Bad input (exit code 2) is not retried: correct it and trigger again; finished steps are skipped. Preempted or temporarily
unavailable (75) was retried five times. A bug (1) shows its traceback. An invalid recipe has no DAG here:
`invalid_recipes.py` is among the import errors and says why.

**Schedule.** `docs/schedules.md`: times, Assets, new data, and who is notified of the end.

**Partitions.** A recipe whose source is divided by time has the field `partition`. Empty, a run takes the newest partition that has ended.
Airflow's own back-fill is not allowed, because it starts many runs at once: `trainshed backfill <recipe> --from ... --to ...`.

**Live.** Losses and metrics are in MLflow, in the experiment with the recipe's name. Other DAGs can be scheduled on the Assets
`x-trainshed://<recipe>/corpus`, `/model`, `/proposal` and `/promotion`.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.dag import recipe_dags
from pipeline.orchestration.watch_dag import watch_dags
from pipeline.settings import load_settings

# a running task needs its own DAG only; the DAG processor names no DAG and gets all
settings, only = load_settings(), get_parsing_context().dag_id
globals().update(recipe_dags(settings, __doc__ or "", only).dags | watch_dags(settings, only).dags)
