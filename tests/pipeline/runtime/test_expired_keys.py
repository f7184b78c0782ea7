"""Temporary keys that run out while a step works: it ends in one line with 75, commits nothing, and the next attempt does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.proxy import Proxy
from fixtures.bench import Bench

from pipeline.runs.records import read_progress

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def proxy(s3_server):
    made = Proxy(s3_server.endpoint)
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path, mlflow_server, s3_server, proxy) -> Bench:
    """One whose store is S3; its components reach it through the proxy."""
    made = Bench(tmp_path, mlflow_server.uri, s3_server.settings(tmp_path, mlflow_uri=mlflow_server.uri))
    keys = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), made.settings.s3_keys, strict=True))
    made.env |= {**keys, "TRAINSHED_S3_ENDPOINT": proxy.url, "SAMPLE_GOES_ON": str(tmp_path / "go")}
    return made


def test_keys_that_run_out_cost_the_attempt_and_nothing_else(bench, proxy, tmp_path):
    request = bench.request("waiting")
    process = bench.start(request)
    while read_progress(bench.artifacts.store, request.run, request.step) is None:
        assert process.poll() is None
    proxy.always = "expired"
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert "Traceback" not in err
    (told,) = [line for line in err.splitlines() if " ERROR " in line]
    assert "the keys have expired (ExpiredToken); expected keys that are valid; fix: renew them at their source" in told
    assert bench.artifacts.find("tokenization", request.fingerprint) is None
    assert not list((tmp_path / "state" / "scratch").iterdir())
    proxy.always = ""
    code, _, err = bench.run(request)
    assert code == 0, err
    assert bench.artifacts.find("tokenization", request.fingerprint)
