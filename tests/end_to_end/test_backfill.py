"""Partitions in a real Airflow, with the source in S3: a back-fill trains a model for each day, once and in order."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from fixtures.commands import trainshed, until
from fixtures.smallest import WORDS

from pipeline.artifacts import open_store
from pipeline.errors import BadInput
from pipeline.registry.ledger import Ledger
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe, wait_for_dag

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.stack import RunningStack

# a whole stack comes up, and three lines run through it
pytestmark = [pytest.mark.prove, pytest.mark.timeout(1800)]

NAME, MODEL = "daily", "daily-summarizer"
DAYS = ("2026-11-20", "2026-11-21", "2026-11-22")
RECIPE = """\
name: daily
description: Texts that come in day by day.
schedule: {{cron: "30 3 * * *", time_zone: Europe/Berlin}}
data:
  source:
    kind: jsonl
    path: "{source}/day={{partition}}/"
    partitions: {{by: day}}
    columns: {{text: body, target: summary}}
  split: {{salt: daily, test: 0.2, validation: 0.1}}
tokenizer: {{vocabulary: 400, sentinels: 10}}
model: {{family: t5, config: {{d_model: 16, d_kv: 8, d_ff: 32, num_layers: 1, num_heads: 2}}, context: 32}}
task: {{kind: summarization, max_source_tokens: 28, max_target_tokens: 12}}
finetuning: {{steps: 2, batch: 4, checkpoint_every: 2, evaluate_every: 2}}
evaluation: {{examples: 5, resamples: 100}}
registration: {{model: daily-summarizer, gate: {{min_examples: 5, min_groups: 1, min_distinct: 0, beats: []}}}}
"""
SCHEDULE = 'schedule: {{cron: "30 3 * * *", time_zone: Europe/Berlin}}'


def other(name: str, schedule: str, place: str) -> str:
    """Another recipe of the same kind, whose source has no partitions."""
    text = RECIPE.replace("daily", name).replace(SCHEDULE, f"schedule: {schedule}").replace("    partitions: {{by: day}}\n", "")
    return text.replace("{source}/day={{partition}}/", f"{{source}}/{place}")


AFTER = other("after", '{{cron: "0 0 1 1 *", assets: {{any: [daily/corpus]}}}}', "day=2026-11-20/")
PREFIX = other("prefix", '{{new_data: {{every: "@yearly"}}}}', "")


def bucket(stack: RunningStack) -> str:
    return stack.settings.store.removeprefix("s3://").partition("/")[0]


def put_day(stack: RunningStack, number: int, day: str) -> None:
    """Write the texts of a day into the bucket."""
    rows = [
        {"body": f"Takes the {word} number {number}{i} and returns it to its owner.", "summary": f"Return {word} {number}{i}."}
        for i in range(20)
        for word in WORDS
    ]
    client = boto3.client("s3", endpoint_url=stack.settings.s3_endpoint, region_name="us-east-1", **keys(stack))
    client.put_object(Bucket=bucket(stack), Key=f"incoming/day={day}/part.jsonl", Body="\n".join(map(json.dumps, rows)).encode())


@pytest.fixture(scope="module")
def source(stack: RunningStack) -> str:
    """Three days in the bucket of the stack."""
    for number, day in enumerate(DAYS):
        put_day(stack, number, day)
    return f"s3://{bucket(stack)}/incoming"


def keys(stack: RunningStack) -> dict[str, str]:
    settings = stack.settings
    assert settings.s3_access_key
    assert settings.s3_secret_key
    return {
        "aws_access_key_id": settings.s3_access_key.get_secret_value(),
        "aws_secret_access_key": settings.s3_secret_key.get_secret_value(),
    }


@pytest.fixture(scope="module")
def recipe(stack: RunningStack, source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe's file; Airflow has its DAG, switched on."""
    path = tmp_path_factory.mktemp("handed-in") / f"{NAME}.yaml"
    path.write_text(RECIPE.format(source=source))
    wait_for_dag(Airflow(stack.settings), submit_recipe(path, stack.settings))
    return path


def ended(airflow: Airflow, run: str, dag: str = NAME) -> str:
    return until(f"the end of {run}", lambda: (state := airflow.run(dag, run).state) in {"success", "failed"} and state)


def rows(airflow: Airflow, dag: str = NAME) -> list[dict[str, Any]]:
    """The runs of a DAG as Airflow lists them, in the order in which they were due."""
    return airflow._call("GET", f"dags/{dag}/dagRuns", {"order_by": "run_after", "limit": 100})["dag_runs"]


def test_a_schedule_takes_the_newest_day_that_has_ended_and_says_what_is_missing(stack, recipe):
    """A DAG that is switched on runs at once for the last time that it missed; these days are long over."""
    airflow = Airflow(stack.settings)
    (scheduled,) = until("the scheduled run", lambda: rows(airflow))
    assert scheduled["dag_run_id"].startswith("scheduled__")
    assert ended(airflow, scheduled["dag_run_id"]) == "failed"
    (said,) = [line for line in airflow.log(NAME, scheduled["dag_run_id"], "plan", 1) if "is missing" in line][:1]
    assert "has no jsonl file; none of the 14 before and after it is there" in said or "the nearest one is 2026-11-22" in said


def test_airflows_own_back_fill_is_refused_because_it_runs_ten_at_once(stack, recipe):
    body = {"dag_id": NAME, "from_date": "2026-11-20T00:00:00Z", "to_date": "2026-11-23T00:00:00Z"}
    with pytest.raises(BadInput, match="does not allow backfill runs"):
        Airflow(stack.settings)._call("POST", "backfills", body)


def test_a_missing_day_is_told_before_anything_starts(stack, recipe):
    before = len(rows(Airflow(stack.settings)))
    said = trainshed(stack, "backfill", str(recipe), "--from", DAYS[0], "--to", "2026-11-23", code=2)
    assert "partition 2026-11-23 is missing" in said.stderr
    assert "the nearest one is 2026-11-22" in said.stderr
    assert len(rows(Airflow(stack.settings))) == before


def test_a_back_fill_of_three_days_trains_three_models_one_after_the_other(stack, recipe, source, tmp_path):
    after = tmp_path / "after.yaml"
    after.write_text(AFTER.format(source=source))
    airflow = Airflow(stack.settings)
    wait_for_dag(airflow, submit_recipe(after, stack.settings))
    said = trainshed(stack, "backfill", str(recipe), "--from", DAYS[0], "--to", DAYS[2]).stdout
    assert [said.count(f"{day}   to run") for day in DAYS] == [1, 1, 1]
    runs = [row for row in rows(airflow) if row["conf"].get("partition")]
    assert [row["conf"]["partition"] for row in runs] == list(DAYS)
    assert [row["state"] for row in runs] == ["success"] * 3
    # no two at once
    assert all(first["end_date"] <= second["start_date"] for first, second in pairwise(runs))
    trained = [airflow.tasks(NAME, row["dag_run_id"])["finetuning"] for row in runs]
    assert [(task.state, task.attempt) for task in trained] == [("success", 1)] * 3

    ledger = Ledger(open_store(stack.settings), MODEL)
    entries = sorted(ledger.newest_first(ledger.head()), key=lambda entry: entry.number)
    assert [entry.run for entry in entries] == [row["dag_run_id"] for row in runs]
    assert len({entry.digest for entry in entries}) == 3
    champions = [None, *(max((e.number for e in entries[:place] if e.serves), default=None) for place in (1, 2))]
    assert [entry.against for entry in entries] == champions


def test_a_recipe_on_times_and_assets_runs_by_both_while_another_recipe_has_a_queue(stack, recipe):
    """With Airflow's own partition keys, the update of the Asset would start nothing."""
    airflow = Airflow(stack.settings)
    queue = [row for row in rows(airflow) if row["conf"].get("partition")]
    until("both runs", lambda: {row["run_type"] for row in rows(airflow, "after")} == {"scheduled", "asset_triggered"})
    found = rows(airflow, "after")
    assert {ended(airflow, row["dag_run_id"], "after") for row in found} == {"success"}
    assert min(row["start_date"] for row in found) < max(row["start_date"] for row in queue)


def test_a_watch_of_a_prefix_starts_a_run_when_an_object_comes(stack, source, tmp_path):
    path, airflow = tmp_path / "prefix.yaml", Airflow(stack.settings)
    path.write_text(PREFIX.format(source=source))
    wait_for_dag(airflow, submit_recipe(path, stack.settings))
    (first,) = until("the first look", lambda: airflow.dag("prefix.watch") and rows(airflow, "prefix.watch"))
    assert ended(airflow, first["dag_run_id"], "prefix.watch") == "success"
    (run,) = until("the run of the first look", lambda: rows(airflow, "prefix"))
    assert ended(airflow, run["dag_run_id"], "prefix") == "success"

    put_day(stack, 7, "2026-11-25")
    airflow.trigger("prefix.watch", "prefix.watch-again", {})
    assert ended(airflow, "prefix.watch-again", "prefix.watch") == "success"
    assert "new data: 4 files" in "\n".join(airflow.log("prefix.watch", "prefix.watch-again", "look", 1))
    second = until("the run of the new object", lambda: rows(airflow, "prefix")[1:])
    assert ended(airflow, second[0]["dag_run_id"], "prefix") == "success"


def test_a_second_back_fill_trains_none_and_a_run_of_one_day_is_a_plan(stack, recipe):
    airflow = Airflow(stack.settings)
    before = len(rows(airflow))
    said = trainshed(stack, "backfill", str(recipe), "--from", DAYS[0], "--to", DAYS[2]).stdout
    assert said.splitlines() == [*(f"{day}   has its model" for day in DAYS), "nothing new"]
    assert len(rows(airflow)) == before

    said = trainshed(stack, "run", str(recipe), "--partition", DAYS[0]).stdout
    assert f"partition {DAYS[0]}" in said
    newest = rows(airflow)[-1]["dag_run_id"]
    assert {task.id for task in airflow.tasks(NAME, newest).values() if task.attempt and task.state == "success"} == {"plan"}


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"partition": "2026-13-01"}, "'2026-13-01' is not a 'date'"),
        ({"partition": "yesterday"}, "'yesterday' is not a 'date'"),
        ({"partition": 20261120}, "20261120 is not of type 'string', 'null'"),
        ({"finetuning.steps": "many"}, "'many' is not of type 'integer'"),
    ],
)
def test_a_payload_with_a_wrong_value_is_refused_by_airflow(stack, recipe, conf, said):
    with pytest.raises(BadInput, match="Airflow refused the request") as caught:
        Airflow(stack.settings).trigger(NAME, f"{NAME}-wrong", conf)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("number", "dag", "conf", "said"),
    [
        (1, NAME, {"partitions": "2026-11-20"}, "unknown field in the trigger form 'partitions'"),
        (2, NAME, {"data.source.path": "/etc"}, "the trigger form: a run cannot change data.source.path"),
        (
            3,
            NAME,
            {"data.source.partition": "2026-11-20"},
            "the trigger form: a run cannot change data.source.partition; expected a field of",
        ),
        (4, NAME, {"partition": "2026-12-24"}, "partition 2026-12-24 is missing"),
        (5, "after", {"partition": "2026-11-20"}, "recipe after has no partitions, but the run names '2026-11-20'"),
    ],
)
def test_a_payload_that_only_the_plan_can_judge_is_one_red_line(stack, recipe, number, dag, conf, said):
    airflow, run = Airflow(stack.settings), f"{dag}-wrong-{number}"
    airflow.trigger(dag, run, conf)
    assert ended(airflow, run, dag) == "failed"
    assert said in "\n".join(airflow.log(dag, run, "plan", 1))
