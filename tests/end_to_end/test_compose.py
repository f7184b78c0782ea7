"""One server with Docker Compose, installed as the runbook says: a recipe runs to a decision, also after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures.boxed import PURE
from fixtures.commands import written
from fixtures.compose import client, deployment
from fixtures.line import small_recipe

from pipeline.artifacts.s3_client import s3_client
from pipeline.recipe.overrides import replace_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.compose import Deployment

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1200)]  # images are built first, and a deployment comes up

PLACE = "import pathlib, sys; path = pathlib.Path(sys.argv[1]); path.parent.mkdir(exist_ok=True); path.write_text(sys.argv[2])"


@pytest.fixture(scope="module")
def server(images: str, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    command = client()
    if command is None:
        pytest.skip("there is no Docker Compose")
    with deployment(command, base_image, tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(scope="module")
def recipe(server: Deployment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A recipe file whose source is in the server's S3; Airflow has it where it keeps recipes that no image has."""
    folder = tmp_path_factory.mktemp("recipe")
    made = replace_fields(small_recipe(folder), {"data.source.path": "s3://pipeline/corpora/small/"}, "a test")
    path = written(made, folder)
    inside = f"/airflow/trainshed/recipes/{made.name}.yaml"
    server.compose("exec", "-T", "airflow-dag-processor", "python", "-c", PLACE, inside, Path(path).read_text())
    return path


def test_a_recipe_runs_to_a_decision(server: Deployment, recipe: str) -> None:
    keys = (server.secret("s3-access-key"), server.secret("s3-secret-key"))
    store = s3_client(f"http://127.0.0.1:{server.variables['S3_PORT']}", "us-east-1", keys)
    store.upload_file(str(Path(recipe).with_name("rows.jsonl")), "pipeline", "corpora/small/rows.jsonl")
    done = server.trainshed("run", recipe)
    assert done.returncode == 0, done.stdout + done.stderr + server.compose("logs", "--tail", "100")
    assert "small version 1 is champion" in done.stdout
    listed = server.trainshed("artifacts", "ls").stdout
    assert [stage for stage in (*PURE, "registration") if stage not in listed] == []


def test_the_doctor_finds_nothing_wrong(server: Deployment) -> None:
    done = server.trainshed("doctor")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_lasts_is_there_again_after_everything_was_restarted(server: Deployment, recipe: str) -> None:
    server.compose("restart")
    server.compose("up", "-d", "--wait", "--wait-timeout", "300")
    done = server.trainshed("run", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " running" not in done.stdout
    assert done.stdout.count("cached") >= len(PURE)
