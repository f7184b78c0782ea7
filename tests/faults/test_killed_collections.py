"""Garbage collections, commits and plans at the same time, killed with SIGKILL again and again: nothing that is relied on is lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import collecting

from pipeline.artifacts import gc
from pipeline.artifacts.gc import collect
from pipeline.artifacts.manifest import Reference

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts

SCRIPT = Path(collecting.__file__)


class Crowd:
    """The processes of one test."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, dice: random.Random) -> None:
        """Start a process; its mode is its name without digits."""
        command = [sys.executable, str(SCRIPT), name.rstrip("0123456789"), str(self.folder), str(dice.randrange(1 << 30))]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env={**os.environ, **self.env}, stdout=log, stderr=log)

    def kill_one(self, dice: random.Random) -> None:
        """Kill one of them, and start another in its place."""
        mode = dice.choice(sorted(self.running))
        process = self.running[mode]
        assert process.poll() is None, (self.folder / f"{mode}.log").read_text()[-2000:]
        process.kill()
        process.wait()
        self.start(mode, dice)

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()

    def relied_on(self) -> list[dict[str, str]]:
        return self.noted("commit") + self.noted("plan")

    def noted(self, mode: str) -> list:
        path = self.folder / f"{mode}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def crowd(s3_server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gc, "LEASE_TTL_S", 1.0)
    settings = s3_server.settings(tmp_path)
    access, secret = settings.s3_keys
    env = {
        "TRAINSHED_STORE": settings.store,
        "TRAINSHED_STATE": str(tmp_path / "state"),
        "TRAINSHED_S3_ENDPOINT": s3_server.endpoint,
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
        "PYTHONPATH": f"{SCRIPT.parents[2]}",
    }
    made = Crowd(tmp_path, env)
    yield made, collecting.open_quickly_ageing(settings)
    made.close()


def lost(artifacts: Artifacts, references: list[dict[str, str]]) -> list[str]:
    """What is missing of the artifacts that are relied on; each blob is looked at once."""
    wanted = {Reference.model_validate(reference) for reference in references}
    manifests = {reference: artifacts.resolve(reference) for reference in wanted}
    gone = [f"manifest {reference.fingerprint[:12]}/{reference.digest[:12]}" for reference in wanted if manifests[reference] is None]
    files = [entry for manifest in manifests.values() if manifest for entry in manifest.files]
    return gone + [str(damage) for damage in artifacts.missing_files(files)]


# 100 rounds of about two seconds, each with a look at everything that is relied on so far
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rounds", [10, pytest.param(100, marks=pytest.mark.prove)])
def test_nothing_that_is_relied_on_is_lost(crowd, rounds: int) -> None:
    processes, artifacts = crowd
    dice = random.Random(rounds)
    for name in ("commit1", "commit2", "plan1", "collect1", "collect2"):
        processes.start(name, dice)
    for number in range(rounds):
        time.sleep(dice.uniform(0.5, 2.0))
        processes.kill_one(dice)
        assert lost(artifacts, processes.relied_on()) == [], f"round {number}"
    processes.close()
    relied_on = processes.relied_on()
    # all that is not relied on is old now
    later = datetime.now(UTC) + timedelta(minutes=30)
    collect(artifacts, collecting.AGES, later)
    rest = collect(artifacts, collecting.AGES, later + timedelta(minutes=1)).removed
    assert lost(artifacts, relied_on) == []
    assert [damage for manifest in artifacts.manifests() for damage in artifacts.verify(manifest)] == []
    during = sum(processes.noted("collect"))
    print(f"{rounds} kills: {len(relied_on)} artifacts relied on, {during} objects deleted meanwhile, {len(rest)} afterwards, 0 lost")
    assert len(relied_on) >= rounds
    assert rest
