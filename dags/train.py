"""Keeps a language model trained, tested and promoted: one Airflow DAG for each recipe.

**What it does.** `plan` looks which artifacts exist already and skips every step that has nothing to do. The steps that are left
read a source of text, train a tokenizer, pretrain and fine-tune a model, score it beside the champion and the baselines, register
it, and promote it if it passes the gate. A refused promotion is a finished run; the reason is in the log of `registration`.

**Start.** `trainshed run <recipe>`, or *Trigger* above. The form holds every field of the recipe: what is changed there holds for
this run only. `force` names steps to run although their artifact exists. A recipe with a schedule starts by itself once its DAG
is switched on.

**Stop.** `trainshed stop <run>`, or mark the run as failed. The step at work checkpoints; the next run goes on from there.

**When it is red.** Open the red task's log; its last error is one line that says what was got, what was expected, what to do.
Bad input (exit code 2) is not retried: mend it and trigger again, everything done so far is skipped. What was preempted or away
for a while (75) has been retried five times already. A bug (1) shows its traceback. A recipe that has no DAG here is wrong:
`wrong_recipes.py` stands among the import errors and says why.

**Live.** Losses and figures are in MLflow, in the experiment called like the recipe. Other DAGs may be scheduled on the Assets
`x-trainshed://<recipe>/corpus`, `/model` and `/promotion`.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.dag import recipe_dag
from pipeline.orchestration.recipes import read_all
from pipeline.settings import load_settings

settings = load_settings()
# a task that runs needs its own DAG only; the DAG processor names none and gets all
for recipe in read_all(settings, only=get_parsing_context().dag_id).recipes:
    globals()[recipe.name] = recipe_dag(recipe, settings, __doc__ or "")
