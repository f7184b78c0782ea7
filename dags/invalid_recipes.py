"""Lists invalid recipes among Airflow's import errors; this file has no DAG.

Airflow removes all DAGs of a file whose import fails. So `train.py` skips recipes that cannot be read or built, and this file fails in
its place. To fix it, correct the recipe, or the file of machine sizes, that the error names.
"""

from pipeline.errors import BadInput
from pipeline.orchestration.dag import recipe_dags
from pipeline.settings import load_settings

errors = recipe_dags(load_settings()).errors
if errors:
    raise BadInput("; ".join(errors))
