"""Lists invalid recipes among Airflow's import errors; this file has no DAG.

Airflow removes all DAGs of a file whose import fails. So `train.py` and `promote.py` skip recipes that cannot be read or built, and this file fails in
its place. To fix it, correct the recipe, or the file of machine sizes, that the error names.
"""

from pipeline.errors import BadInput
from pipeline.orchestration.dag import DAG_LINES, recipe_dags
from pipeline.settings import load_settings

settings = load_settings()
errors = dict.fromkeys(error for line in DAG_LINES for error in recipe_dags(settings, line=line).errors)
if errors:
    raise BadInput("; ".join(errors))
