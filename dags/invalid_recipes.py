"""Lists invalid recipes among Airflow's import errors; this file has no DAG.

Airflow removes all DAGs of a file whose import fails. So the other files skip recipes that cannot be read or built, and this file fails in
their place. To fix it, correct the recipe, or the file of machine sizes, that the error names.
"""

from pipeline.errors import BadInput
from pipeline.orchestration.dag import DAG_LINES, recipe_dags
from pipeline.orchestration.experiment_dag import experiment_dags
from pipeline.orchestration.monitor_dag import monitor_dags
from pipeline.orchestration.remind_dag import remind_dags
from pipeline.orchestration.watch_dag import watch_dags
from pipeline.settings import load_settings

settings = load_settings()
sides = (experiment_dags, watch_dags, monitor_dags, remind_dags)
made = [*(recipe_dags(settings, line=line) for line in DAG_LINES), *(dags(settings) for dags in sides)]
errors = tuple(dict.fromkeys(error for dags in made for error in dags.errors))
if errors:
    raise BadInput("; ".join(errors))
