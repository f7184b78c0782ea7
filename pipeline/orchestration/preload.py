"""Everything a plan task imports, imported once in the scheduler, from which LocalExecutor forks its tasks.

A run in which everything is a hit is one task, and most of that task was imports: measured on two busy cores, trigger to
success took 8.7 s (median of 5) without and 4.2 s with this module, beside 7 to 9 s for six chained no-op tasks. Airflow imports
``airflow_local_settings`` from ``$AIRFLOW_HOME/config`` when it starts; the local stack puts one there that imports this module.

The price: an edit in these modules, contracts and the line included, shows after a restart of the scheduler only. ML modules are
not among them, and fingerprints are computed from source text, so what has to run again is found all the same.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

MODULES = (
    "boto3",
    "requests",
    "tenacity",
    "yaml",
    "pipeline.artifacts.artifacts",
    "pipeline.artifacts.s3",
    "pipeline.orchestration.dag",
    "pipeline.operators.xcom",
    "pipeline.orchestration.recipes",
    "pipeline.planning.planner",
    "pipeline.sources.files",
)


def warm() -> None:
    """Import what tasks need, the chosen launcher included; make the store's client, and pydantic's description of the recipes."""
    for module in MODULES:
        import_module(module)
    from pipeline.artifacts import open_store
    from pipeline.errors import BadInput
    from pipeline.launchers.base import launcher_record
    from pipeline.lookup import load_object
    from pipeline.orchestration.recipes import read_all
    from pipeline.orchestration.trigger_form import form
    from pipeline.settings import load_settings

    settings = load_settings()
    load_object(launcher_record(settings.launcher).operator)
    # tasks inherit the client, which has sent nothing yet; what is wrong with the settings is said by the task that uses them
    with suppress(BadInput):
        open_store(settings)
    for recipe in read_all(settings).recipes:
        form(recipe, ())
