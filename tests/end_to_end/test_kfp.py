"""The whole line under Kubeflow Pipelines' DockerRunner: the same artifacts and the same effects as a local run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from fixtures.docker import docker
from fixtures.kfp import HOME, KFP, needs_kfp
from fixtures.line import Heard, small_recipe
from fixtures.stack import bare_environment

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.s3_client import s3_client
from pipeline.kfp.compile import compile_recipe, render
from pipeline.kfp.identity import identity_of
from pipeline.lines import trace
from pipeline.local.run import run_local
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import read_aliases
from pipeline.runs.records import reference_key
from pipeline.tracking import MlflowServer
from pipeline.tracking.runs import RUN_TAG, STEP_TAG, _experiment_id, _search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.mlflow import Server
    from fixtures.s3 import S3Server

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

pytestmark = [needs_kfp, pytest.mark.prove, pytest.mark.timeout(1200)]  # images are built first, and a line runs in containers
PURE = ("ingestion", "tokenization", "pretraining", "finetuning", "evaluation")


@dataclass
class Boxed:
    """A recipe whose corpus lies in S3, and the prefix that kfp works in."""

    recipe: Recipe
    settings: Settings
    folder: Path

    @property
    def artifacts(self) -> Artifacts:
        return open_artifacts(self.settings)

    @property
    def runs(self) -> list[str]:
        """Ids of the runs so far, the oldest first."""
        began: dict[str, object] = {}
        for stat in self.artifacts.store.list("runs/"):
            run = stat.key.split("/")[1]
            began[run] = min(stat.modified, began.get(run, stat.modified))
        return sorted(began, key=began.get)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Let kfp run a compiled pipeline; its keys come from the environment."""
        path = self.folder / "pipeline.yaml"
        path.write_text(text)
        access, secret = self.settings.s3_keys
        keys = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}
        command = [str(KFP), str(HOME / "infra" / "kfp" / "run_here.py"), str(path), "--root", str(self.folder / "root")]
        return subprocess.run(command, env={**os.environ, **keys}, capture_output=True, text=True, check=False)

    def mlflow_runs(self, recipe: Recipe) -> dict[str, dict[str, str]]:
        """Status of each MLflow run of the recipe, by run and step; the parent's step is ``-``."""
        server = MlflowServer(self.settings)
        found: dict[str, dict[str, str]] = {}
        for row in _search(server, _experiment_id(server, recipe.name), {}):
            tags = {tag["key"]: tag["value"] for tag in row["data"]["tags"]}
            found.setdefault(tags[RUN_TAG], {})[tags[STEP_TAG]] = row["info"]["status"]
        return found


@pytest.fixture(scope="module")
def boxed(images: str, s3_server: S3Server, mlflow_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxed]:
    folder = tmp_path_factory.mktemp("kfp")
    made = small_recipe(folder, name="compiled")
    client = s3_client(s3_server.endpoint, "us-east-1", (s3_server.access_key, s3_server.secret_key))
    client.put_object(Bucket=s3_server.bucket, Key="corpora/compiled/rows.jsonl", Body=(folder / "rows.jsonl").read_bytes())
    recipe = replace_fields(made, {"data.source.path": f"s3://{s3_server.bucket}/corpora/compiled/"}, "a test")
    more = {"mlflow_uri": mlflow_server.uri, "images": images, "device": "cpu", "threads": 1, "lease_ttl_s": 3.0}
    with bare_environment():
        yield Boxed(recipe, s3_server.settings(folder, "by-kfp", **more), folder)


@pytest.fixture(scope="module")
def first(boxed: Boxed) -> str:
    """What the first run, in an empty prefix, printed."""
    assert list(boxed.artifacts.store.list("")) == []
    done = boxed.run(compile_recipe(boxed.recipe, boxed.settings))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def digests(settings: Settings) -> dict[str, str]:
    return {manifest.stage: manifest.digest for manifest in open_artifacts(settings).manifests() if manifest.stage in PURE}


def test_kfp_makes_the_same_artifacts_as_the_line_here(boxed: Boxed, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = boxed.settings.model_copy(update={"store": boxed.settings.store.replace("by-kfp", "by-process"), "state": boxed.folder / "here"})
    access, secret = here.s3_keys
    values = {
        "TRAINSHED_STATE": str(here.state),
        "TRAINSHED_STORE": here.store,
        "TRAINSHED_S3_ENDPOINT": here.s3_endpoint,
        "TRAINSHED_S3_ACCESS_KEY": access,
        "TRAINSHED_S3_SECRET_KEY": secret,
        "TRAINSHED_MLFLOW_URI": here.mlflow_uri,
        "TRAINSHED_THREADS": "1",
        "TRAINSHED_DEVICE": "cpu",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    other = replace_fields(boxed.recipe, {"name": "processed", "registration.model": "processed"}, "a test")
    run_local(other, "processed-1", here, Heard())
    made = digests(boxed.settings)
    assert set(made) == set(PURE)
    assert made == digests(here)


def test_the_effects_are_those_of_the_line(boxed: Boxed, first: str) -> None:
    champion = Ledger(boxed.artifacts.store, "compiled").champion()
    assert champion.digest == digests(boxed.settings)["finetuning"]
    assert read_aliases(MlflowServer(boxed.settings), "compiled")["champion"] == champion.challenger.version
    (run,) = boxed.runs
    assert champion.run == run
    assert boxed.mlflow_runs(boxed.recipe) == {run: dict.fromkeys(("-", *PURE, "registration"), "FINISHED")}
    assert "not part of this run" in first  # there was no champion to score


def test_no_key_is_shown_and_no_container_is_left(boxed: Boxed, first: str) -> None:
    secret = boxed.settings.s3_keys[1]
    assert secret not in first
    assert not [path for path in (boxed.folder / "root").rglob("*") if path.is_file() and secret in path.read_text()]
    assert docker("ps", "-aq", "--filter", "label=trainshed.kfp") == ""


def test_a_second_run_makes_nothing(boxed: Boxed, first: str) -> None:
    before = {manifest.key: boxed.artifacts.store.get(manifest.key).etag for manifest in boxed.artifacts.manifests()}
    mlflow = boxed.mlflow_runs(boxed.recipe)
    done = boxed.run(compile_recipe(boxed.recipe, boxed.settings))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" exists already") == len(trace(boxed.recipe))
    assert {manifest.key: boxed.artifacts.store.get(manifest.key).etag for manifest in boxed.artifacts.manifests()} == before
    assert boxed.mlflow_runs(boxed.recipe) == mlflow
    relied_on = {stat.key for stat in boxed.artifacts.store.list(f"runs/{boxed.runs[-1]}/")}
    assert relied_on == {reference_key(boxed.runs[-1], step.id) for step in trace(boxed.recipe)}


def test_an_image_of_other_code_ends_the_run_as_failed_with_one_line(boxed: Boxed, first: str) -> None:
    """Fine-tuning runs, so there is an MLflow run; evaluation is refused."""
    changed = replace_fields(boxed.recipe, {"finetuning.seed": 1, "name": "refused"}, "a test")
    identities = {step.id: identity_of(step) for step in trace(changed)} | {"evaluation": "0" * 64}
    done = boxed.run(render(changed, identities, boxed.settings).replace("maxRetryCount: 5", "maxRetryCount: 0"))
    assert done.returncode == 1
    told = [line.strip() for line in done.stdout.splitlines() if "evaluation: code or libraries of this image" in line]
    assert len(told) == 1
    assert "expected 000000000000, as compiled" in told[0]
    assert list(boxed.mlflow_runs(changed).values()) == [{"-": "FAILED", "finetuning": "FINISHED"}]
