"""A whole line through a real stack: run, run again, refuse, stop, repair; then no secret is where it must not be.

The recipe is as small as the real components allow.
"""

import os
import re
import signal
import stat
import subprocess
import sys

import pytest
import yaml
from fixtures.commands import COMMAND, environment, started, trainshed
from fixtures.planted import KEPT, MARK, PASSWORD, holds, in_database, in_files, in_store
from fixtures.smallest import CHECKS, NAME, STEPS, WORKERS, run_name

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.manifest import Reference
from pipeline.planning import prepare_step
from pipeline.recipe.recipe import check_recipe
from pipeline.stack.processes import find_marked
from pipeline.submission.airflow_client import Airflow
from pipeline.tracking import parent_run

pytestmark = pytest.mark.timeout(600)  # a whole stack comes up first, and a line runs through it

AIRFLOW_TABLES = {"dag_run", "log", "serialized_dag", "task_instance", "xcom"}


def states(output):
    """Last state printed of each step."""
    told = [line.split() for line in output.splitlines() if line.split()[:1] and line.split()[0] in STEPS]
    return {words[0]: words[1] if words[1] != "not" else " ".join(words[1:3]) for words in told}


def test_a_submitted_recipe_runs_to_a_decision(stack, first_run):
    assert states(first_run) == {**dict.fromkeys(STEPS, "done"), "champion_evaluation": "skipped"}
    assert "smallest-summarizer version 1 was not promoted; " in first_run
    assert {manifest.stage for manifest in open_artifacts(stack.settings).manifests()} >= {"ingestion", "finetuning", "registration"}


def test_shares_of_several_tasks_end_with_the_digests_of_one_process(stack, first_run, recipe, tmp_path):
    """Chunks and shards are few here: the second task of cleaning has none."""
    made = {manifest.stage: manifest for manifest in open_artifacts(stack.settings).manifests()}
    told = Airflow(stack.settings).tasks(NAME, run_name(first_run))
    assert {step: told[step].attempt for step in STEPS[:8]} == dict.fromkeys(STEPS[:8], 1)
    assert made["data_check"].counts == {"rules_met": 1, "rules_warning": 0, "rules_stopped": 0}
    assert set(made["ingestion"].inputs) == {"cleaned", "cleaned-2"}
    assert set(made["tokenization"].inputs) == {"corpus", "checked", "tokenizer", "encoded", "encoded-2"}
    text = recipe.read_text()
    assert CHECKS in text
    assert WORKERS in text
    alone, outputs = check_recipe(yaml.safe_load(text.replace(CHECKS, "").replace(WORKERS, "")), "alone"), {}
    where = stack.settings.model_copy(update={"store": f"file://{tmp_path}/store", "state": tmp_path / "state"})
    place = {"TRAINSHED_STORE": where.store, "TRAINSHED_STATE": str(where.state), "MLFLOW_TRACKING_URI": where.mlflow_uri}
    place |= {"MLFLOW_TRACKING_USERNAME": where.mlflow_username, "MLFLOW_TRACKING_PASSWORD": where.mlflow_password.get_secret_value()}
    for step in ("ingestion", "tokenization"):
        prepared = prepare_step(alone, "alone", step, where, outputs)
        command = [sys.executable, "-m", f"components.{step}", "--request", str(prepared.request_uri)]
        said = subprocess.run(command, env=environment(stack, **place), capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        outputs[step] = Reference.model_validate_json(said.stdout)
        assert outputs[step] == made[step].reference


def test_its_assets_have_events_except_for_the_refused_promotion(stack, first_run):
    events = Airflow(stack.settings)._pages("assets/events", "asset_events", {})
    told = {event["uri"] for event in events if event["source_run_id"] == run_name(first_run)}
    assert told == {f"x-trainshed://{NAME}/corpus", f"x-trainshed://{NAME}/model"}


def test_the_mlflow_run_is_ended_by_airflow(stack, first_run):
    """The callback runs in the DAG processor a moment after the run has ended: wait for the state, not for a time."""
    run = parent_run(stack.settings, NAME, run_name(first_run))
    while (status := run.server.call("GET", "runs/get", {"run_id": run.id})["run"]["info"]["status"]) == "RUNNING":
        os.sched_yield()
    assert status == "FINISHED"


def test_logs_are_what_the_component_said(stack, first_run):
    log = trainshed(stack, "logs", run_name(first_run), "finetuning").stdout
    assert "lease acquired" in log
    assert "DagBag" not in log


def test_again_at_once_everything_is_cached(stack, first_run):
    again = trainshed(stack, "run", NAME).stdout
    assert states(again) == {**dict.fromkeys(STEPS, "cached"), "champion_evaluation": "skipped"}
    tasks = Airflow(stack.settings).tasks(NAME, run_name(again))
    assert {task.id for task in tasks.values() if task.attempt} == {"plan"}
    told = trainshed(stack, "logs", run_name(again), "finetuning").stdout
    assert told == f"finetuning did not run in {run_name(again)}: cached or skipped\n"


def test_again_here_everything_is_cached_too(stack, first_run):
    out = trainshed(stack, "run", NAME, "--local").stdout
    assert " running" not in out


def test_a_wrong_value_is_one_line_and_exit_2(stack, first_run):
    done = trainshed(stack, "run", NAME, "--set", "finetuning.steps=0", code=2)
    assert re.fullmatch(r"trainshed: .*finetuning\.steps.*\n", done.stderr)


def test_run_prints_the_error_of_planning(stack, first_run, recipe):
    recipe.with_name("nosuch.yaml").write_text(
        recipe.read_text().replace("name: smallest\n", "name: nosuch\n").replace(str(recipe.with_name("rows.jsonl")), "/nosuch/*.jsonl")
    )
    done = trainshed(stack, "run", str(recipe.with_name("nosuch.yaml")), code=2)
    assert re.fullmatch(r"trainshed: plan: .*/nosuch/\*\.jsonl.*fix: .*\n", done.stderr)


def test_a_run_cannot_change_its_gate_or_its_source(stack, first_run):
    airflow = Airflow(stack.settings)
    for field, value in {"registration.gate.threshold": -1, "data.source.path": "/etc/passwd", "evaluation.examples": 1}.items():
        done = trainshed(stack, "run", NAME, "--set", f"{field}={value}", code=2)
        assert done.stderr.startswith(f"trainshed: --set: a run cannot change {field}; ")
    # and the same past the command line
    run_id = f"{NAME}-conf"
    airflow.trigger(NAME, run_id, {"registration.gate.threshold": -1})
    done = trainshed(stack, "watch", run_id, code=2)
    assert "a run cannot change registration.gate.threshold" in done.stderr


def test_a_taken_name_is_refused(stack, first_run, recipe, tmp_path):
    other = tmp_path / recipe.name
    other.write_text(recipe.read_text().replace("d_model: 16", "d_model: 32"))
    done = trainshed(stack, "run", str(other), code=2)
    assert "another recipe has the name 'smallest'" in done.stderr


def detached(stack, name):
    """Exit code and words of a second terminal that watches the run, after Ctrl-C."""
    with subprocess.Popen(
        [*COMMAND, "watch", name],
        env=environment(stack),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a test run in the background of a script inherits SIGINT as ignored, and Python would then leave it so
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it only sets a signal
    ) as watching:
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate()
        return watching.returncode, errors


def test_a_stopped_run_has_failed_and_leaves_no_component(stack, first_run):
    changes = ["--set", "finetuning.steps=100000", "--set", "finetuning.evaluate_every=100000"]
    watching = started(stack, "run", NAME, *changes)
    lines = iter(watching.stdout.readline, "")
    name = run_name(next(lines))
    assert any(line.startswith("finetuning running") for line in lines)
    assert detached(stack, name) == (
        130,
        f"trainshed: detached; {name} continues: `trainshed watch {name}` shows it, `trainshed stop {name}` stops it\n",
    )
    trainshed(stack, "stop", name)
    _, errors = watching.communicate()
    assert watching.returncode in {1, 75}
    assert errors.startswith("trainshed: ")
    assert errors.count("\n") == 1
    tasks = Airflow(stack.settings).tasks(NAME, name)
    assert (tasks["finetuning"].state, tasks["registration"].state) == ("failed", "upstream_failed")


def test_no_command_line_held_a_secret(watched_run):
    assert {stage for stage in ("ingestion", "finetuning") if f"components.{stage}" in "".join(watched_run.commands)} == {
        "ingestion",
        "finetuning",
    }
    assert [command for command in watched_run.commands if holds(command.encode())] == []


def test_no_object_of_the_store_holds_a_secret(stack, first_run):
    keys: list[str] = []
    found = in_store(stack.settings, "pipeline", keys.append) | in_store(stack.settings, "mlflow", keys.append)
    assert {"manifests", "blobs", "runs", "ledger", "artifacts"} <= {key.partition("/")[0] for key in keys}
    assert found == {}


def test_no_file_but_those_that_have_to_holds_a_secret(stack, first_run):
    state = stack.settings.state
    assert in_files(state) == {}
    for name in KEPT:
        assert MARK in (state / name).read_text()
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600, name
    for folder in {(state / name).parent for name in KEPT}:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


@pytest.mark.parametrize(("name", "tables"), [("airflow/airflow.db", AIRFLOW_TABLES), ("mlflow/mlflow.db", {"runs", "tags", "params"})])
def test_no_row_of_a_database_holds_a_secret(stack, first_run, name, tables):
    seen: set[str] = set()
    assert in_database(stack.settings.state / name, seen.add) == {}
    assert tables <= seen


def test_the_command_printed_no_secret(first_run):
    assert not holds(first_run.encode())


def test_components_were_started_with_the_password_that_was_planted(stack):
    """Otherwise nothing above would mean anything."""
    schedulers = [found for found in find_marked(stack.settings.state) if found.server == "airflow-scheduler"]
    assert schedulers
    assert all(found.process.environ()[PASSWORD[0]] == PASSWORD[1] for found in schedulers)
    assert MARK in stack.settings.s3_keys[1]


@pytest.mark.prove
def test_damage_found_by_a_step_causes_a_new_plan(stack, first_run):
    """Evaluation waits for fine-tuning when the run is planned, so only it finds that its corpus is damaged."""
    artifacts = open_artifacts(stack.settings)
    corpus = next(found for found in artifacts.manifests("ingestion") if found.provenance.run == run_name(first_run))
    shard = next(entry for entry in corpus.files if entry.path.startswith("test"))
    key = f"blobs/{shard.sha256}"
    good = artifacts.store.get(key).data
    artifacts.store.put(key, bytes([*good[:-9], good[-9] ^ 1, *good[-8:]]))
    # a verified local copy would do as well, and the damage stay unseen
    (stack.settings.cache_folder / shard.sha256[:2] / shard.sha256).unlink()
    out = trainshed(stack, "run", NAME, "--force", "finetuning", "--set", "finetuning.seed=1").stdout
    # the first of the two ends at once, so whoever watches may not have seen it wait for the second
    assert Airflow(stack.settings).tasks(NAME, run_name(out))["evaluation"].attempt == 2
    assert "ingestion done" in out
    assert artifacts.store.get(key).data == good
