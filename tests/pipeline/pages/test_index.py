"""The page to start from, on a real MLflow server and a ledger; written by hand, and at the end of a run."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fixtures.registered import Registered, commit_model, commit_report

from pipeline import cli
from pipeline.artifacts import open_artifacts
from pipeline.errors import Unavailable
from pipeline.monitoring.look import Check, Look, Looks
from pipeline.pages.index import try_write_index, write_index
from pipeline.registry.answers import record_answer
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.settings import Settings
from pipeline.tracking import end_run, parent_run

SHIPPED = Path(__file__).parents[3] / "dags" / "recipes" / "pydocs.yaml"


@pytest.fixture
def model(mlflow_server, tmp_path) -> Registered:
    """A model of a submitted recipe, with a champion, a refusal, and a proposal that waits."""
    name = f"docs-{uuid.uuid4().hex[:8]}"
    settings = Settings(
        state=tmp_path / "state", store=f"file://{tmp_path}/store", mlflow_uri=mlflow_server.uri, airflow_url="http://airflow:1"
    )
    recipe = settings.recipe_folders[-1] / f"{name}.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(SHIPPED.read_text().replace("name: pydocs\n", f"name: {name}\n").replace("  model: pydocs\n", f"  model: {name}\n"))
    artifacts = open_artifacts(settings)
    made = Registered(settings, artifacts, Ledger(artifacts.store, name))
    report = commit_report(artifacts, commit_model(artifacts, "a"), (1.0, 2.0))
    first, second = made.register("a", report), made.register("b")
    made.decide(first, Outcome.PROMOTED, 41.0)
    made.decide(second, Outcome.REFUSED, 40.0)
    made.propose(second, 44.0, people=2, approvers=("ann", "ben", "cid"))
    return made


def test_it_shows_champion_runs_and_who_is_asked(model):
    name, settings = model.ledger.model, model.settings
    record_answer(model.ledger, model.ledger.entry(3), "ann", "r", approve=True)
    run = f"{name}-20260101-000000-abcd"
    mlflow_run = parent_run(settings, name, run)
    end_run(settings, name, run, "FAILED")
    page = write_index(settings)
    assert model.artifacts.store.get("pages/index.html").data.decode() == page
    assert f'<a href="{settings.mlflow_uri}/#/models/{name}/versions/1">version 1</a>' in page
    assert "41.00 rougeL" in page
    assert "3 decisions by ROUGE-L, the last one 44.00 rougeL; filled: promoted" in page
    assert page.count("<circle") == 3
    assert f"/runs/{mlflow_run.id}" in page
    assert '<span class="failed">failed</span>' in page
    assert '<span class="ask">1 of 2</span> (ann)' in page
    assert "ben, cid" in page
    assert f'href="http://airflow:1/dags/{name}.promote/required_actions' in page
    assert f'href="http://airflow:1/dags/{name}"' in page
    assert "Recipes without a decision yet: " in page
    assert name not in page.partition("Recipes without a decision yet: ")[2]


def test_a_proposal_that_has_ended_is_not_asked_about(model):
    model.decide(model.ledger.entry(3).challenger, Outcome.PROMOTED, 44.0, about=3)
    page = write_index(model.settings)
    assert "Waiting for people" not in page
    assert "version 2</a>" in page
    assert page.count("<circle") == 3  # a proposal and its promotion are one measurement


def test_what_the_monitor_found_is_a_column_where_it_looked(model):
    assert "<th>monitor</th>" not in write_index(model.settings)
    name, time = model.ledger.model, datetime(2026, 1, 5, tzinfo=UTC)
    looks = Looks(model.artifacts.store, name)
    drift = Check(name="drift", value=0.4, limit=0.1, crossed=True, says="length <differs>", retrain=True)
    age = Check(name="data", value=1.0, limit=9.0, crossed=False, says="1 day old")
    looks.append(Look(recipe=name, model=name, time=time, run="r", champion=1, corpus=None, checks=(drift, age)))
    page = write_index(model.settings)
    assert "<th>monitor</th>" in page
    assert "drift: length &lt;differs&gt;" in page
    assert "1 day old" not in page
    looks.append(Look(recipe=name, model=name, time=time + timedelta(days=1), run="r", champion=1, corpus=None, checks=(age,)))
    assert "in order<br>" in write_index(model.settings)


def test_a_store_without_ledgers_has_a_page_too(mlflow_server, tmp_path):
    page = write_index(Settings(state=tmp_path / "state", store=f"file://{tmp_path}/store", mlflow_uri=mlflow_server.uri))
    assert "No model was decided about yet" in page


def test_the_command_writes_a_copy_for_a_browser(model, monkeypatch, capsys):
    for field in ("state", "store", "mlflow_uri"):
        monkeypatch.setenv(f"TRAINSHED_{field.upper()}", str(getattr(model.settings, field)))
    assert cli.run(["open", "--no-browser"]) == 0
    place = model.settings.state.resolve() / "pages" / "index.html"
    assert capsys.readouterr().out == f"{place.as_uri()} (in the store: pages/index.html)\n"
    assert model.ledger.model in place.read_text()


def test_a_run_ends_well_although_its_page_cannot_be_written(model, caplog):
    gone = model.settings.model_copy(update={"mlflow_uri": "http://127.0.0.1:9", "mlflow_retry_s": 0.0})
    with pytest.raises(Unavailable):
        write_index(gone)
    try_write_index(gone)
    assert "the page of all models is not written: MLflow at http://127.0.0.1:9" in caplog.text
