"""Garbage collection keeps what a study relies on, and the state of its trainings until it is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fixtures.artifacts import draft, write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.checkpoints import Checkpoint
from pipeline.artifacts.gc import Ages, find_garbage
from pipeline.artifacts.manifest import blob_key
from pipeline.experiments.records import Ask, Closed, Outcome, Pinned, Ran, StudyRecords, Tell

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
STATE = "a" * 64


def test_until_a_study_is_closed_its_trials_can_go_on(any_settings, tmp_path: Path) -> None:
    artifacts = open_artifacts(any_settings)
    store = artifacts.store
    model = artifacts.commit(draft("model"), write_files(tmp_path / "model", {"weights": "1"}))
    state = write_files(tmp_path / "state", {"moments": "2"})
    files = artifacts.put_files(state)
    artifacts.put_missing_files(files, state)
    checkpoint = f"training/{STATE}/checkpoints/000000002.json"
    store.put(checkpoint, Checkpoint(step=2, epoch=1, files=files, points=[]).model_dump_json().encode())
    records = StudyRecords(store, "tiny-1")
    records.begin({}, Pinned(sources={}, champions={}))
    records.ask(Ask(number=0, trial=0, rung=0, values={}, until=2))
    ran = Ran(artifact=model.reference, state=STATE, seconds=1)
    records.tell(Tell(number=0, trial=0, outcome=Outcome.COMPLETE, value=1.0, model=model.reference, ran=(ran,), time=NOW))

    # longer than a training without a study is kept, less than a run
    later = NOW + timedelta(days=20)
    assert find_garbage(artifacts, Ages(), later).keys == []
    records.close(Closed(best=0, value=1.0, reason="x", time=NOW))
    assert find_garbage(artifacts, Ages(), later).keys == [checkpoint, blob_key(files[0].sha256)]
    # after the age of a run nothing is left
    gone = set(find_garbage(artifacts, Ages(), NOW + timedelta(days=40)).keys)
    assert {model.key, blob_key(model.files[0].sha256), "studies/tiny-1/study.json", "studies/tiny-1/tells/000000.json"} <= gone
