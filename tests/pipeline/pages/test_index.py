"""The page to start from, on a real MLflow server and a ledger; written by hand, and at the end of a run."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from fixtures.artifacts import draft, write_files
from fixtures.registered import Registered, commit_model, commit_report

from pipeline import cli
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Parts
from pipeline.artifacts.types import ArtifactType
from pipeline.erasure.tombstones import Tombstone, append_tombstone
from pipeline.errors import BadInput, Unavailable
from pipeline.monitoring.look import Check, Look, Looks
from pipeline.pages.index import try_write_index, write_index
from pipeline.registry.answers import record_answer
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.settings import Settings
from pipeline.tracking import end_run, parent_run
from pipeline.tracking.runs import RUN_TAG, STEP_TAG, step_run

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


def priced(model, tmp_path, **more: float) -> Settings:
    """The settings with machine sizes of which some have a price an hour."""
    sizes = tmp_path / "machines.yaml"
    fields = {"cpus": 1, "memory_mb": 1, "scratch_mb": 1}
    prices = {name.replace("_", "-"): price for name, price in more.items()}
    sizes.write_text(
        yaml.safe_dump(
            {name: {**fields, **({"price_h": prices[name]} if name in prices else {})} for name in ("cpu-small", "cpu-large", "gpu-1")}
        )
    )
    return model.settings.model_copy(update={"machines": sizes})


def record_step(settings, name: str, run: str, step: str, days_ago: float, hours: float) -> None:
    """A step in MLflow that took so long."""
    found = step_run(settings, name, run, step)
    start = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp() * 1000
    # MLflow's API sets the start of a run only when it is created
    parent = parent_run(settings, name, run)
    tags = [{"key": RUN_TAG, "value": run}, {"key": STEP_TAG, "value": step}, {"key": "mlflow.parentRunId", "value": parent.id}]
    experiment = found.server.call("GET", "runs/get", {"run_id": found.id})["run"]["info"]["experiment_id"]
    found.server.call("POST", "runs/delete", {"run_id": found.id})
    body = {"experiment_id": experiment, "run_name": step, "start_time": int(start), "tags": tags}
    made = found.server.call("POST", "runs/create", body)["run"]["info"]["run_id"]
    end = {"run_id": made, "status": "FINISHED", "end_time": int(start + hours * 3_600_000)}
    found.server.call("POST", "runs/update", end)


def test_what_a_model_cost_is_a_column_where_prices_are_known(model, tmp_path):
    name, settings = model.ledger.model, model.settings
    first, last = f"{name}-20260101-000000-aaaa", f"{name}-20260102-000000-bbbb"
    record_step(settings, name, first, "pretraining", days_ago=40, hours=100)
    record_step(settings, name, first, "finetuning", days_ago=10, hours=2)
    record_step(settings, name, last, "finetuning", days_ago=1, hours=0.5)
    record_step(settings, name, last, "ingestion", days_ago=1, hours=3)
    record_step(settings, name, last, "no-such-step", days_ago=1, hours=9)
    assert ">cost</th>" not in write_index(priced(model, tmp_path))
    page = write_index(priced(model, tmp_path, gpu_1=4))
    assert ">cost</th>" in page
    assert '2.00 <span class="soft">last run</span>' in page
    assert '10.00 <span class="soft">30 days</span>' in page
    assert "without cpu-small" in page
    page = write_index(priced(model, tmp_path, gpu_1=4, cpu_small=0.1))
    assert '2.30 <span class="soft">last run</span>' in page
    assert "without cpu" not in page


def test_a_wrong_file_of_machine_sizes_is_one_line(model, tmp_path, caplog):
    settings = priced(model, tmp_path)
    settings.machines_file.write_text("gpu-1: {cpus: 1, memory_mb: 1, scratch_mb: 1, price_hour: 4}")
    with pytest.raises(BadInput, match=r"unknown field in machines\.yaml: 'price_hour'.*did you mean 'price_h'"):
        write_index(settings)
    try_write_index(settings)
    assert "the page of all models is not written: unknown field in machines.yaml" in caplog.text


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


def test_it_marks_a_champion_that_holds_what_is_to_be_forgotten_and_links_to_the_page_of_the_data(model, tmp_path):
    name, artifacts = model.ledger.model, model.artifacts
    assert "to be forgotten" not in write_index(model.settings)
    champion = model.ledger.champion().challenger.model
    made = artifacts.resolve(champion)
    corpus = artifacts.commit(draft("corpus"), write_files(tmp_path / "corpus", {"validation-00000.parquet": "secret"}))
    parts = Parts(**{**made.parts.model_dump(), "inputs": {"corpus": corpus.digest}, "params": {"again": True}})
    fields = {key: getattr(made, key) for key in Draft.model_fields} | {"parts": parts, "inputs": {"corpus": corpus.reference}}
    again = artifacts.commit(Draft(**fields), write_files(tmp_path / "model", {"weights": "again"}))
    number = model.register("again").version
    head = model.ledger.head()
    model.ledger.append(
        head.model_copy(
            update={
                "number": head.number + 1, "decision": Outcome.PROMOTED, "serves": True, "waiting": None,
                "challenger": head.challenger.model_copy(update={"version": number, "model": again.reference}),
            }
        )
    )  # fmt: skip
    append_tombstone(
        artifacts.store, Tombstone(number=1, time=datetime.now(UTC), person="ada", ids=("a" * 24,), held={corpus.digest: ("validation",)})
    )
    report = draft("page", run=f"{name}-20260101-000000-abcd").model_copy(update={"stage": "data_check", "type": ArtifactType.DATA_REPORT})
    report = report.model_copy(update={"parts": report.parts.model_copy(update={"component": "data_check"})})
    artifacts.commit(report, write_files(tmp_path / "page", {"report.html": "the page of the data"}))
    page = write_index(model.settings)
    assert "made from documents that are to be forgotten" in page
    assert f'<a class="soft" href="data-{name}.html">data</a>' in page
    assert (model.settings.state / "pages" / f"data-{name}.html").read_text() == "the page of the data"
