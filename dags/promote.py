"""Asks people about models that passed the gate: one Airflow DAG for each recipe with `registration.approval`.

**What it does.** Training ends with a *proposal* in the promotion ledger: a model that passed the gate, the champion that it was compared
with, and a digest of everything that the gate read. This DAG asks as many persons as the recipe wants, one after another, and then promotes
the model. A newer proposal takes the place of one that still waits.

**Answer.** *Required actions* in Airflow, or `trainshed approve <recipe>`. Only the users whom the recipe names may answer, each once, and
never the one who started the training. Answers are written to the ledger. The promotion reads them there: a task that is marked as successful
approves nothing.

**Ends.** Approved: the model is champion. Rejected, or no answer in time: the ledger says so, and the champion stays. The champion changed
meanwhile: the proposal is void, and the recipe runs again, which compares the model with the new champion.

**Start.** By itself, after a training that proposes a model. By hand with *Trigger* above, if the run was lost.
"""

from airflow.sdk import get_parsing_context

from pipeline.orchestration.dag import recipe_dags
from pipeline.settings import load_settings

globals().update(recipe_dags(load_settings(), __doc__ or "", only=get_parsing_context().dag_id, line="promote").dags)
