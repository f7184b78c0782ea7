"""What counts as progress for the watchdog: every piece of a transfer, and on a rank above 0 the renewals of rank 0's lease."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import draft

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.checkpoints import StoredCheckpoints
from pipeline.artifacts.lease import Lease
from pipeline.runtime.stop import Stop
from pipeline.runtime.worker_rank import WorkerReporter
from pipeline.tracking import MetricsOutbox

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts

PARTS = 3
SIZE = PARTS * (16 << 20)


class Beats:
    """Counts beats."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    def take(self) -> int:
        count, self.count = self.count, 0
        return count


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


@pytest.fixture
def beats(artifacts: Artifacts) -> Beats:
    artifacts.beat = Beats()
    return artifacts.beat


@pytest.fixture
def large(tmp_path: Path) -> Path:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "weights").write_bytes(b"x" * SIZE)
    return folder


def test_hashing_sending_and_reading_beat_for_each_piece(artifacts: Artifacts, beats: Beats, large: Path, tmp_path: Path) -> None:
    manifest = artifacts.commit(draft(), large)
    # 4 MB a piece to hash, at most 16 MB a part to send
    assert beats.take() >= SIZE // (4 << 20) + PARTS
    artifacts.open(manifest, tmp_path / "out")
    assert beats.take() >= SIZE // (1 << 20)
    assert artifacts.verify(manifest) == []
    assert beats.take() >= SIZE // (1 << 20)


def test_saving_and_reading_a_checkpoint_beats(artifacts: Artifacts, beats: Beats, large: Path, tmp_path: Path) -> None:
    lease = Lease(artifacts.store, "f" * 64, ttl_s=60)
    assert lease.acquire(0)
    checkpoints = StoredCheckpoints(artifacts, "pretraining", "f" * 64, lease, tmp_path / "checkpoints", MetricsOutbox(), None)
    checkpoints.save(1, large)
    assert beats.take() >= SIZE // (4 << 20) + PARTS
    assert checkpoints.newest()
    assert beats.take() >= SIZE // (1 << 20)
    lease.release()


def test_a_rank_that_waits_lives_as_long_as_the_lease_of_rank_0_is_renewed(artifacts: Artifacts) -> None:
    held = Lease(artifacts.store, "f" * 64, ttl_s=600)
    assert held.acquire(0)
    reporter = WorkerReporter(Stop(), Lease(artifacts.store, "f" * 64, ttl_s=600), patience_s=0.0)
    began = time.monotonic()
    first = reporter.pulse()
    assert first >= began
    assert reporter.pulse() == first  # not renewed since
    held.renew()
    assert reporter.pulse() > first
    held.release()
    last = reporter.pulse()
    assert reporter.pulse() == last


def test_a_rank_that_moves_does_not_read_the_lease() -> None:
    reporter = WorkerReporter(Stop(), Lease(None, "f" * 64, ttl_s=600), patience_s=600)
    began = reporter.pulse()
    assert reporter.pulse() == began
    reporter.stopping()
    assert reporter.pulse() > began
