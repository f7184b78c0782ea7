"""Shows recipes that are wrong among Airflow's import errors; has no DAG of its own.

Airflow takes all DAGs of a file out of service when importing the file fails. One wrong recipe must not stop the others, so
`train.py` leaves out what cannot be read, and this file is the one that fails. It is mended by mending the recipe, or the file of
machine sizes.
"""

from pipeline.errors import BadInput
from pipeline.orchestration.recipes import read_all
from pipeline.settings import load_settings

wrong = read_all(load_settings()).wrong
if wrong:
    raise BadInput("; ".join(wrong))
