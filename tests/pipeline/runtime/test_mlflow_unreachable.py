"""MLflow becomes unreachable while a step runs: the outcome of the step is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.proxy import Proxy
from fixtures.bench import Bench

from pipeline.runs.records import read_failure, read_progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def proxy(mlflow_server) -> Iterator[Proxy]:
    made = Proxy(mlflow_server.uri)
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path, proxy: Proxy) -> Bench:
    made = Bench(tmp_path, proxy.url)
    made.env |= {"SAMPLE_GOES_ON": str(tmp_path / "go"), "TRAINSHED_MLFLOW_RETRY_S": "0.5"}
    return made


def test_bad_input_stays_bad_input(bench: Bench, proxy: Proxy, tmp_path: Path) -> None:
    request = bench.request("waiting, then bad")
    process = bench.start(request)
    while read_progress(bench.artifacts.store, request.run, request.step) is None:
        assert process.poll() is None
    proxy.always = "refuse"
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "the MLflow run is not set to FAILED: MLflow at" in err
    assert read_failure(bench.artifacts.store, request.run, request.step).exit_code == 2


def test_a_committed_step_is_done(bench: Bench, proxy: Proxy, tmp_path: Path) -> None:
    """All calls after the commit fail; those before it pass."""
    request = bench.request("good")
    proxy.matching, proxy.always = "^POST .*/runs/update", "refuse"
    code, _, err = bench.run(request)
    assert code == 0, err
    assert "the MLflow run is not set to FINISHED: MLflow at" in err
    assert bench.artifacts.missing(bench.artifacts.find("tokenization", request.fingerprint)) == []
