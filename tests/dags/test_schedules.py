"""Schedules in a real Airflow database: an Asset event starts its consumers, and one bad recipe costs only itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fixtures.airflow_home import RECIPE
from fixtures.shipped import RECIPES

DAGS = Path(__file__).parents[2] / "dags"
ROOT = DAGS.parent

# what DAG processor and scheduler do, in their order: parse, store, activate assets, register an event, ask which DAGs are due
PROGRAM = """
import json, sys
from airflow.assets.manager import asset_manager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import AssetActive, AssetModel
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session
from sqlalchemy import select

folder, *events = sys.argv[1:]
bag = DagBag(dag_folder=folder, bundle_name="dags")
with create_session() as session:
    session.merge(DagBundleModel(name="dags"))
with create_session() as session:
    sync_bag_to_db(bag, "dags", None, session=session)
    for dag in session.scalars(select(DagModel)):
        dag.is_paused = False
SchedulerJobRunner(job=Job())._update_asset_orphanage()
with create_session() as session:
    active = {found.uri for found in session.scalars(select(AssetActive))}
    for uri in events:
        # the one that a task updates, else the one that a person names to the REST API
        produced = AssetModel.producing_tasks.any() | AssetModel.consuming_tasks.any()
        known = select(AssetModel).where(AssetModel.uri == uri)
        asset = session.scalar(known.where(produced)) or session.scalar(known)
        asset_manager.register_asset_change(asset=asset, session=session)
    session.flush()
    due = DagModel.dags_needing_dagruns(session)[1]
    next_runs = {dag.dag_id: dag.next_dagrun_create_after and dag.next_dagrun_create_after.isoformat() for dag in session.scalars(select(DagModel))}
    stale = [dag.dag_id for dag in session.scalars(select(DagModel)) if dag.is_stale]
errors = {path.rpartition("/")[2]: text for path, text in bag.import_errors.items()}
with create_session() as session:
    models = [(found.name, found.uri) for found in session.scalars(select(AssetModel))]
files = {name: dag.fileloc.rpartition("/")[2] for name, dag in bag.dags.items()}
print(json.dumps({"files": files, "dags": sorted(bag.dags), "due": sorted(due), "active": sorted(active), "assets": models, "errors": errors, "stale": stale, "next": next_runs}))
"""


@pytest.fixture(scope="module")
def airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AIRFLOW_HOME with an empty, migrated database."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}
    command = [str(Path(sys.executable).with_name("airflow")), "db", "migrate"]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return home


def processed(home: Path, state: Path, *events: str) -> dict:
    """What Airflow makes of the DAG files, and which DAGs are due after an event of each of these Assets."""
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "TRAINSHED_STATE": str(state), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(DAGS), *events]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def add(recipe_folder: Path, name: str, schedule: str) -> None:
    (recipe_folder / f"{name}.yaml").write_text(RECIPE.format(name=name) + schedule)


def test_an_event_of_a_producer_starts_its_consumer_and_costs_the_producer_nothing(airflow_database, recipe_folder):
    uris = {what: f"x-trainshed://first/{what}" for what in ("corpus", "model", "promotion")}
    for what in uris:
        # the names sort before the producer's, so that Airflow registers the consumers first
        add(recipe_folder, f"after-{what}", f"schedule: {{assets: {{any: [first/{what}]}}}}\n")
    found = processed(airflow_database, recipe_folder.parent, *uris.values())
    assert found["errors"] == {}
    assert found["due"] == [f"after-{what}" for what in uris]
    assert [asset for asset in sorted(found["assets"]) if asset[1] in uris.values()] == [[uri, uri] for uri in uris.values()]
    assert set(uris.values()) <= set(found["active"])


def test_one_bad_recipe_costs_only_itself_and_says_so_among_the_import_errors(airflow_database, recipe_folder):
    add(recipe_folder, "clock", "schedule: {cron: '0 25 * * *'}\n")
    add(recipe_folder, "both", "schedule: {assets: {any: [first/corpus], all: [first/model]}}\n")
    add(recipe_folder, "neither", "schedule: {}\n")
    add(recipe_folder, "left", "schedule: {assets: {any: [right/model]}}\n")
    add(recipe_folder, "right", "schedule: {assets: {any: [left/promotion]}}\n")
    found = processed(airflow_database, recipe_folder.parent)
    assert found["dags"] == sorted(["first", *RECIPES])
    assert found["stale"] == []
    assert list(found["errors"]) == ["invalid_recipes.py"]
    said = found["errors"]["invalid_recipes.py"]
    assert "recipe clock: clock.yaml: schedule.cron = '0 25 * * *': [0 25 * * *] is not acceptable, out of range" in said
    assert "recipe both: both.yaml: schedule.assets has both any and all; expected either any or all" in said
    assert "recipe neither: neither.yaml: schedule is empty" in said
    assert "recipe left: schedule.assets: recipes start each other for ever: left → right → left" in said


NEW = "new_data: {every: '@daily'}"
BERLIN = ZoneInfo("Europe/Berlin")
CLOCK, ASSETS = "cron: '30 3 * * mon', time_zone: Europe/Berlin", "assets: {all: [other/corpus, 's3://bucket/prices']}"


def test_every_kind_of_schedule_is_stored_by_airflow_and_the_first_that_occurs_starts_a_run(airflow_database, recipe_folder):
    for name, schedule in {
        "clock": CLOCK,
        "all": ASSETS,
        "both": f"{CLOCK}, {ASSETS}",
        "any": "assets: {any: [other/corpus]}",
        "new": NEW,
    }.items():
        add(recipe_folder, name, f"schedule: {{{schedule}}}\n")
    here = {"clock", "all", "both", "any"}
    found = processed(airflow_database, recipe_folder.parent, "x-trainshed://other/corpus")
    assert found["errors"] == {}
    assert here.intersection(found["due"]) == {"any"}
    # Airflow stores the DAGs of one file at once: the watch's first event may come when its own DAG is known
    assert found["files"]["new"] == found["files"]["new.watch"] == "train.py"
    # the database keeps the first event
    found = processed(airflow_database, recipe_folder.parent, "s3://bucket/prices")
    assert here.intersection(found["due"]) == {"all", "any", "both"}
    times = {
        name: found["next"][name] and datetime.fromisoformat(found["next"][name]).astimezone(BERLIN) for name in ("clock", "both", "all")
    }
    assert times["clock"] == times["both"]
    assert (times["clock"].weekday(), times["clock"].hour, times["clock"].minute) == (0, 3, 30)
    assert times["all"] is None
