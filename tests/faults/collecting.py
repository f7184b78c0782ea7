"""Processes that commit, plan and collect garbage at the same time, to be killed: ``python collecting.py MODE FOLDER SEED``.

Times are seconds instead of days, so that objects become old within a test. Each process appends to ``FOLDER/<mode>.jsonl`` what it
may rely on from then on (references), or what it removed (a count).
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.artifacts import gc, open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.gc import Ages
from pipeline.artifacts.manifest import Parts, Provenance, Reference, to_sealed
from pipeline.errors import Unavailable
from pipeline.settings import Settings

REFRESH_AFTER = timedelta(seconds=3)
AGES = Ages(runs=timedelta(hours=1), young=timedelta(seconds=7), grace=timedelta(seconds=1), training=timedelta(seconds=7))
CONTENTS = 60
"""So few that most commits reuse blobs of others, old and new."""
FINGERPRINTS = 25


def open_quickly_ageing(settings: Settings) -> Artifacts:
    artifacts = open_artifacts(settings)
    artifacts.refresh_after = artifacts.manifest_store.refresh_after = REFRESH_AFTER
    return artifacts


def note(folder: Path, mode: str, value: object) -> None:
    with (folder / f"{mode}.jsonl").open("a") as file:
        file.write(json.dumps(value) + "\n")


def commit(artifacts: Artifacts, folder: Path, dice: random.Random) -> None:
    """Commit an artifact of random files; one of ten becomes a champion."""
    now = datetime.now(UTC)
    name = str(dice.randrange(FINGERPRINTS))
    parts = Parts(component="ingestion", version=1, params={"name": name}, inputs={}, modules={}, libraries={})
    provenance = Provenance(code_version="x", run=uuid.uuid4().hex, started=now, finished=now)
    with tempfile.TemporaryDirectory() as place:
        for number in range(3):
            Path(place, str(number)).write_text(f"content {dice.randrange(CONTENTS)}")
        manifest = artifacts.commit(
            Draft(type="corpus", stage="ingestion", parts=parts, inputs={}, provenance=provenance),
            Path(place),
        )
    time.sleep(0.05)
    if dice.random() < 0.1:
        reference = manifest.reference.model_dump(mode="json")
        artifacts.store.put(f"ledger/m/{uuid.uuid4().hex}.json", to_sealed({"decision": "promoted", "model": reference}))
        note(folder, "commit", reference)


def plan(artifacts: Artifacts, folder: Path, dice: random.Random) -> None:
    """Rely on an artifact that exists, as a run does: write it down, wait for a collection, look whether it still exists."""
    known = [Reference(type="corpus", stage=s, fingerprint=f, digest=d) for (s, f, d), _ in artifacts.manifest_store.references()]
    if not known:
        time.sleep(0.1)
        return
    reference = dice.choice(known)
    artifacts.store.put(f"runs/{uuid.uuid4().hex}/plan.json", reference.model_dump_json().encode())
    gc.wait_for_collection(artifacts.store)
    manifest = artifacts.resolve(reference)
    if manifest and not artifacts.missing(manifest):
        note(folder, "plan", reference.model_dump(mode="json"))


def collect(artifacts: Artifacts, folder: Path, _dice: random.Random) -> None:
    try:
        note(folder, "collect", len(gc.collect(artifacts, AGES).removed))
    except Unavailable as error:
        # the other collection holds the lease, or took it over
        print(error)
    time.sleep(0.2)


if __name__ == "__main__":
    mode, where, seed = sys.argv[1:]
    gc.LEASE_TTL_S = 1.0
    chosen = {"commit": commit, "plan": plan, "collect": collect}[mode]
    opened, random_numbers = open_quickly_ageing(Settings()), random.Random(f"{mode} {seed}")
    while True:
        chosen(opened, Path(where), random_numbers)
