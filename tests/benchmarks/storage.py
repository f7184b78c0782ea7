"""How fast artifacts go into the S3 server and come out of it, beside plain boto3 on the same files."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.manifest import Parts, Provenance
from pipeline.settings import load_settings

FILES, SIZE = 8, 8 << 20
ROUNDS = 3


def storage_rows(state: Path) -> list[tuple[str, str, str]]:
    """Rows for the table: commit and open of 64 MB in eight files, as megabytes a second and against plain boto3."""
    settings = load_settings(state)
    artifacts = open_artifacts(
        settings.model_copy(update={"store": f"{settings.store}/bench-{uuid.uuid4().hex}", "state": state / "bench"})
    )
    ours, plain = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=state) as folder:
            ours.append(_ours(artifacts, _files(Path(folder, "in")), Path(folder, "out")))
            plain.append(_plain(artifacts, _files(Path(folder, "plain")), Path(folder, "back")))
    rows = []
    for index, what in enumerate(("commit", "open, nothing cached")):
        speed = FILES * SIZE / 1e6 / statistics.median(run[index] for run in ours)
        ratio = statistics.median(a[index] / b[index] for a, b in zip(ours, plain, strict=True))
        rows.append(
            (
                f"{what} of 64 MB in 8 files, hashed and verified",
                f"{speed:.0f} MB/s; {ratio:.2f} x the time of plain boto3, one file after another",
                "",
            )
        )
    return rows


def _files(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"{number}.bin").write_bytes(os.urandom(SIZE))
    return folder


def _ours(artifacts: Artifacts, source: Path, target: Path) -> tuple[float, float]:
    now = datetime.now(UTC)
    parts = Parts(component="bench", version=1, params={"id": uuid.uuid4().hex}, inputs={}, modules={}, libraries={})
    draft = Draft(
        type="corpus", stage="bench", parts=parts, inputs={}, provenance=Provenance(code_version="", run="bench", started=now, finished=now)
    )
    began = time.perf_counter()
    manifest = artifacts.commit(draft, source)
    between = time.perf_counter()
    artifacts.open(manifest, target)
    return between - began, time.perf_counter() - between


def _plain(artifacts: Artifacts, source: Path, target: Path) -> tuple[float, float]:
    client, bucket = artifacts.store.client, artifacts.store.bucket  # type: ignore[attr-defined]
    prefix = uuid.uuid4().hex
    target.mkdir()
    began = time.perf_counter()
    for path in sorted(source.iterdir()):
        client.upload_file(str(path), bucket, f"{prefix}/{path.name}")
    between = time.perf_counter()
    for path in sorted(source.iterdir()):
        client.download_file(bucket, f"{prefix}/{path.name}", str(target / path.name))
    return between - began, time.perf_counter() - between
