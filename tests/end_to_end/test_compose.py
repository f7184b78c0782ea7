"""One server, as the runbook installs it: Docker Compose starts everything, and a recipe of the images runs through it to a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.boxed import PURE
from fixtures.compose import client, deployment
from fixtures.line import small_recipe

from pipeline.artifacts.s3_client import s3_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.compose import Deployment

pytestmark = pytest.mark.prove

SMALL = (
    *("data.source.kind=jsonl", "data.source.path=s3://pipeline/corpora/small/", "data.source.columns.text=body"),
    *("data.source.columns.target=summary", "data.source.columns.name=name", "data.source.columns.group=shop"),
    *("tokenizer.vocabulary=400", "model.width=16", "model.layers=1", "model.heads=2", "model.feed_forward=32"),
    *("pretraining.steps=4", "pretraining.batch=4", "finetuning.steps=4", "finetuning.batch=4"),
    *("evaluation.examples=20", "evaluation.resamples=100"),
)
"""Fields of the demo's recipe that make it as small as the one of the other tests."""


@pytest.fixture(scope="module")
def server(images: str, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    command = client()
    if command is None:
        pytest.skip("there is no Docker Compose")
    with deployment(command, base_image, tmp_path_factory.mktemp("server")) as made:
        yield made


def test_a_recipe_runs_to_a_decision(server: Deployment, tmp_path: Path) -> None:
    small_recipe(tmp_path)
    keys = (server.secret("s3-access-key"), server.secret("s3-secret-key"))
    store = s3_client(f"http://127.0.0.1:{server.variables['S3_PORT']}", "us-east-1", keys)
    store.upload_file(str(tmp_path / "rows.jsonl"), "pipeline", "corpora/small/rows.jsonl")
    done = server.trainshed("run", "pydocs", *(word for change in SMALL for word in ("--set", change)))
    assert done.returncode == 0, done.stdout + done.stderr + server.compose("logs", "--tail", "100")
    assert "pydocs version 1 was not promoted" in done.stdout
    listed = server.trainshed("artifacts", "ls").stdout
    assert [stage for stage in (*PURE, "registration") if stage not in listed] == []


def test_the_doctor_finds_nothing_wrong(server: Deployment) -> None:
    done = server.trainshed("doctor")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_lasts_is_there_again_after_everything_was_restarted(server: Deployment) -> None:
    server.compose("restart")
    server.compose("up", "-d", "--wait", "--wait-timeout", "300")
    done = server.trainshed("run", "pydocs", *(word for change in SMALL for word in ("--set", change)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "begins" not in done.stdout
    assert done.stdout.count("cached") >= len(PURE)
