"""One attempt of a step as a real process: what it leaves, how it ends, what a person reads."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import requests
from fixtures.bench import SAMPLE, Bench, bench

from components import COMPONENTS
from pipeline.runs.records import read_failure, read_progress

__all__ = ["bench"]


def runs_of(bench: Bench, step: str) -> list[dict]:
    api = f"{bench.settings.mlflow_uri}/api/2.0/mlflow"
    experiment = requests.get(f"{api}/experiments/get-by-name", params={"experiment_name": "sample"}, timeout=10).json()["experiment"]
    condition = f"tags.`trainshed.run` = 'run-{bench.folder.name}' and tags.`trainshed.step` = '{step}'"
    query = {"experiment_ids": [experiment["experiment_id"]], "filter": condition}
    return requests.post(f"{api}/runs/search", json=query, timeout=10).json().get("runs", [])


def until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_what_a_good_attempt_leaves(bench: Bench) -> None:
    request = bench.request()
    code, out, err = bench.run(request)
    assert code == 0, err
    manifest = bench.artifacts.find("tokenization", request.fingerprint)
    assert json.loads(out) == json.loads(manifest.reference.model_dump_json())
    assert [entry.path for entry in manifest.files] == ["a.txt", "deep/b.txt"]
    assert manifest.counts == {"documents": 2}
    assert read_progress(bench.artifacts.store, request.run, request.step).figures == {"loss": 1.5}
    (run,) = runs_of(bench, "tokenization")
    assert run["info"]["status"] == "FINISHED"
    assert {metric["key"]: metric["value"] for metric in run["data"]["metrics"]} == {"loss": 2.0, "share": 0.5}
    (parent,) = runs_of(bench, "-")
    assert {tag["key"]: tag["value"] for tag in run["data"]["tags"]}["mlflow.parentRunId"] == parent["info"]["run_id"]
    assert not list((bench.folder / "state" / "scratch").iterdir())


def test_a_second_attempt_finds_what_the_first_made(bench: Bench) -> None:
    request = bench.request()
    bench.run(request)
    code, _, err = bench.run(request)
    assert code == 0
    assert "behaviour" not in err


def test_a_forced_attempt_runs_again(bench: Bench) -> None:
    request = bench.request()
    bench.run(request)
    code, _, err = bench.run(request.model_copy(update={"force": True}))
    assert code == 0
    assert "behaviour good" in err


def test_the_body_finds_only_the_parts_that_its_contract_names(bench: Bench) -> None:
    request = bench.request("listing")
    code, _, err = bench.run(request)
    assert code == 2, err
    failure = read_failure(bench.artifacts.store, request.run, request.step)
    assert failure.message == "files: ['behaviour', 'read/a']"


def test_an_input_that_differs_in_other_parts_gives_the_same_fingerprint(bench: Bench) -> None:
    first, second = bench.request(), bench.request(unread="other")
    assert first.inputs != second.inputs
    assert bench.run(first)[0] == 0
    code, out, err = bench.run(second)
    assert code == 0
    assert "behaviour" not in err
    assert json.loads(out)["fingerprint"] == first.fingerprint


@pytest.mark.parametrize(
    ("behaviour", "code", "status", "words"),
    [
        ("bad", 2, "FAILED", "got three; expected expected two; fix: give two"),
        ("away", 75, "KILLED", "a server is unreachable"),
        ("bug", 1, "FAILED", "bug: ValueError: not foreseen"),
        ("full", 75, "FAILED", "disk full"),
        ("empty", 1, "FAILED", "made no files"),
    ],
)
def test_each_way_to_end_has_its_code_and_one_line(bench: Bench, behaviour: str, code: int, status: str, words: str) -> None:
    request = bench.request(behaviour)
    ended, _, err = bench.run(request)
    assert ended == code, err
    assert ("Traceback" in err) is (behaviour == "bug")
    failure = read_failure(bench.artifacts.store, request.run, request.step)
    assert (failure.exit_code, words in failure.message) == (code, True)
    assert runs_of(bench, "tokenization")[0]["info"]["status"] == status
    assert bench.artifacts.find("tokenization", request.fingerprint) is None


def test_a_killed_attempt_is_followed_by_one_that_waits_for_its_lease(bench: Bench) -> None:
    request = bench.request("killed")
    assert bench.run(request)[0] == -signal.SIGKILL
    assert bench.run(request)[0] == -signal.SIGKILL
    assert len(runs_of(bench, "tokenization")) == 1


@pytest.mark.parametrize("way", ["SIGTERM", "pipe"])
def test_told_to_stop_it_ends_with_75(bench: Bench, way: str) -> None:
    request = bench.request("patient")
    process = bench.start(request, "--tethered")
    until(lambda: read_progress(bench.artifacts.store, request.run, request.step))
    if way == "pipe":
        process.stdin.close()
        process.stdin = None
    else:
        process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert "stopped at a boundary" in err


def test_ctrl_c_ends_with_130(bench: Bench) -> None:
    request = bench.request("patient")
    process = bench.start(request)
    until(lambda: read_progress(bench.artifacts.store, request.run, request.step))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err


def test_the_watchdog_ends_what_no_longer_moves(bench: Bench) -> None:
    request = bench.request("stuck")
    code, _, err = bench.run(request, TRAINSHED_WATCHDOG_MIN="0.05")
    assert code == 75
    assert "no progress for 0.05 minutes" in err
    assert "sample.py" in err  # the stack says where it hangs
    assert read_failure(bench.artifacts.store, request.run, request.step).exit_code == 75


def test_two_attempts_at_once_work_one_after_the_other(bench: Bench) -> None:
    request = bench.request("patient")
    first = bench.start(request)
    until(lambda: read_progress(bench.artifacts.store, request.run, request.step))
    began = read_progress(bench.artifacts.store, request.run, request.step).started
    second = bench.start(request)
    first.terminate()
    first.communicate(timeout=60)
    until(lambda: read_progress(bench.artifacts.store, request.run, request.step).started > began)
    second.terminate()
    _, err = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (75, 75)
    assert "lease acquired epoch=2" in err


def test_a_stale_image_is_refused(bench: Bench) -> None:
    code, _, err = bench.run(bench.request(fingerprint="0" * 64))
    assert code == 2
    assert "rebuild the image" in err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stage": "ingestion"}, "a request for ingestion"),
        ({"inputs": {}}, "no input 'corpus'"),
        ({"params": {"tokenizer": {"vocabulary": 1}}}, "params.tokenizer.vocabulary"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_in_one_line(bench: Bench, changes: dict, words: str) -> None:
    code, _, err = bench.run(bench.request(**changes))
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_a_damaged_input_is_quarantined_and_told(bench: Bench) -> None:
    request = bench.request()
    corpus = bench.artifacts.find("ingestion", request.inputs["corpus"].fingerprint)
    bench.artifacts.store.put(f"blobs/{corpus.files[0].sha256}", b"bxhaviour")
    code, _, err = bench.run(request)
    assert code == 75, err
    assert read_failure(bench.artifacts.store, request.run, request.step).replan
    assert [damage.entry.path for damage in bench.artifacts.missing(corpus)] == [corpus.files[0].path]


def test_help_says_what_it_takes_and_how_it_ends() -> None:
    for stage in COMPONENTS:
        done = subprocess.run([sys.executable, "-m", f"components.{stage}", "--help"], capture_output=True, text=True, check=True)
        assert "exit codes" in done.stdout
        assert "--request" in done.stdout


def test_no_request_is_one_line(bench: Bench) -> None:
    done = subprocess.run(
        [sys.executable, str(SAMPLE), "--request", "nowhere.json"],
        env={**os.environ, **bench.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no request at nowhere.json" in done.stderr
