"""The rows and the line that show the progress of a run."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.artifacts.manifest import Reference
from pipeline.artifacts.types import ArtifactType
from pipeline.cli.progress import RunSnapshot, describe, format_duration, progress_line, progress_table, step_rows, time_left
from pipeline.planning.plan import Plan, PlannedStep, Status
from pipeline.runs.records import StepProgress
from pipeline.submission.airflow_client import Task

STARTED = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
REFERENCE = Reference(type=ArtifactType.CORPUS, stage="ingestion", fingerprint="f", digest="d")


def progress(done=300.0, total=900.0, seconds=30):
    return StepProgress(
        done=done, total=total, unit="steps", figures={"loss": 2.125}, started=STARTED, updated=STARTED + timedelta(seconds=seconds)
    )


def task(state, seconds=None):
    return Task("x", state, 1, STARTED.isoformat(), seconds)


PLAN = Plan(
    run="r",
    recipe="pydocs",
    steps=(
        PlannedStep(id="ingestion", stage="ingestion", status=Status.HIT, reference=REFERENCE, seconds=5),
        PlannedStep(id="pretraining", stage="pretraining", status=Status.MISS, reason="param steps: 1 → 2", seconds=60),
        PlannedStep(id="finetuning", stage="finetuning", status=Status.PENDING, reason="waiting for pretraining", seconds=40),
    ),
)
STEPS = ["ingestion", "pretraining", "finetuning"]


def test_before_the_plan_every_step_is_queued():
    assert [row.state for row in step_rows(STEPS, RunSnapshot({}, None, {}))] == ["queued"] * 3


def test_a_skipped_task_is_a_cached_or_a_skipped_step():
    tasks = {"ingestion": task("skipped"), "finetuning": task("skipped")}
    found = step_rows(STEPS, RunSnapshot(tasks, PLAN, {}, skipped={"finetuning"}))
    assert [row.state for row in found] == ["cached", "queued", "skipped"]


def test_what_a_person_stopped_was_not_reached():
    found = step_rows(STEPS, RunSnapshot({"finetuning": task("skipped")}, PLAN, {}, skipped={"finetuning"}, failed=True))
    assert found[2].state == "not reached"


def test_a_running_step_says_why_until_it_has_progress():
    tasks = {"pretraining": task("running")}
    assert step_rows(STEPS, RunSnapshot(tasks, PLAN, {}))[1].detail == "param steps: 1 → 2"
    assert step_rows(STEPS, RunSnapshot(tasks, PLAN, {"pretraining": progress()}))[1].detail == "300/900 steps  loss 2.125  1:00 min left"


def test_a_queued_step_says_what_it_waits_for():
    assert [row.detail for row in step_rows(STEPS, RunSnapshot({}, PLAN, {}))] == ["", "param steps: 1 → 2", "waiting for pretraining"]


def test_a_running_step_does_not_say_what_it_waited_for():
    assert step_rows(STEPS, RunSnapshot({"finetuning": task("running")}, PLAN, {}))[2].detail == ""


def test_the_time_left_is_that_of_the_running_and_the_later_steps():
    tasks = {"ingestion": task("skipped"), "pretraining": task("running")}
    assert time_left(step_rows(STEPS, RunSnapshot(tasks, PLAN, {"pretraining": progress()}))) == pytest.approx(60 + 40)


def test_it_is_not_known_before_the_plan():
    assert time_left(step_rows(STEPS, RunSnapshot({}, None, {}))) is None


def test_the_run_is_one_line():
    tasks = {"ingestion": task("skipped"), "pretraining": task("running")}
    line = progress_line("r", step_rows(STEPS, RunSnapshot(tasks, PLAN, {"pretraining": progress()})), 187)
    assert line == "r: 1 of 3 steps done, pretraining running, 3:07 min, about 1:40 min left"


def test_progress_without_a_total_has_no_time_left():
    assert describe(progress(total=0)) == "300 steps  loss 2.125"


@pytest.mark.parametrize(("seconds", "text"), [(4.21, "4.2 s"), (187, "3:07 min"), (3725, "1:02 h")])
def test_durations_are_for_people(seconds, text):
    assert format_duration(seconds) == text


def test_the_table_shows_every_state():
    from io import StringIO

    from rich.console import Console

    states = ["success", "skipped", "running", "failed", "upstream_failed", "up_for_retry", None]
    tasks = {f"step{number}": task(state or "none", 1.5) for number, state in enumerate(states)}
    console = Console(file=StringIO(), width=100)
    console.print(progress_table(step_rows(list(tasks), RunSnapshot(tasks, None, {})), "caption"))
    shown = console.file.getvalue()
    assert all(word in shown for word in ("done", "cached", "running", "failed", "not reached", "retrying", "queued", "1.5 s", "caption"))
