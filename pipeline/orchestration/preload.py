"""Import everything that tasks and DAG files need, once: in the scheduler, from which LocalExecutor forks tasks, and in the DAG processor.

A run in which every step is a cache hit is one task, and most of that task was imports. Trigger to success, on two busy cores,
took 8.7 s without this module and 4.2 s with it (median of 5); six chained no-op tasks take 7 to 9 s. Airflow imports
``airflow_local_settings`` from ``$AIRFLOW_HOME/config`` when it starts; the local stack writes one that calls `preload`.

The DAG processor forks a process for each parse of each DAG file, all the time. Seven files every 15 s took most of a slow core.

The price: an edit in these modules, contracts and the line included, takes effect after a restart of both, and so does another version
of a library. ML modules are not among them, and fingerprints are computed from source text, so planning still sees every change of ML code.
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
    "pipeline.orchestration.experiment_dag",
    "pipeline.orchestration.monitor_dag",
    "pipeline.orchestration.recipes",
    "pipeline.orchestration.remind_dag",
    "pipeline.orchestration.watch_dag",
    "pipeline.planning.planner",
    "pipeline.sources.files",
)


def preload() -> None:
    """Import what tasks need, create the client of the store, let pydantic describe the recipes, and look up versions of libraries."""
    for module in MODULES:
        import_module(module)
    from pipeline.artifacts import open_store
    from pipeline.artifacts.fingerprint import library_versions
    from pipeline.errors import BadInput
    from pipeline.launchers.base import launcher_record
    from pipeline.lines import trace
    from pipeline.lookup import load_object
    from pipeline.orchestration.recipes import read_recipes
    from pipeline.orchestration.trigger_form import form
    from pipeline.settings import load_settings

    settings = load_settings()
    load_object(launcher_record(settings.launcher).operator)
    # tasks inherit the client, which has sent no request yet; the task that uses wrong settings reports them
    with suppress(BadInput):
        open_store(settings)
    for recipe in read_recipes(settings).valid:
        steps = trace(recipe)
        form(recipe, steps)
        for step in steps:
            with suppress(BadInput):
                library_versions(step.component, step.params.model_dump(mode="json"))
