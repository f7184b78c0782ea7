"""What a recipe may ask for beyond the smallest line, in containers: shares, images with captions, names of people found by a model.

Each makes the artifacts that processes make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.boxed import boxed, digests, uploaded_folder
from fixtures.commands import trainshed, written
from fixtures.docker import docker
from fixtures.task_recipes import task_recipe

from pipeline.artifacts import open_artifacts
from pipeline.recipe.overrides import replace_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.stack import RunningStack

    from pipeline.recipe import Recipe

pytestmark = [pytest.mark.timeout(1800), pytest.mark.prove]  # images are built first, and lines run in containers


def shares(stack: RunningStack, folder: Path, tagger: Path) -> Recipe:
    """With a split of its own: other tests made the artifacts of `boxed` in this stack."""
    changes = {"name": "boxed-shares", "data.split.salt": "shares", "registration.model": "boxed-shares"}
    return replace_fields(boxed(stack, folder), {**changes, "workers": {"cleaning": 2, "tokenization": 2}}, "a test")


def captions(stack: RunningStack, folder: Path, tagger: Path) -> Recipe:
    made = task_recipe("captioning", folder, "boxed-captions")
    return replace_fields(made, {"data.source.path": uploaded_folder(stack, folder / "captioning", "corpora/shapes")}, "a test")


def names(stack: RunningStack, folder: Path, tagger: Path) -> Recipe:
    made = replace_fields(boxed(stack, folder), {"name": "boxed-names", "registration.model": "boxed-names"}, "a test")
    model = uploaded_folder(stack, tagger, "models/tagger")
    return replace_fields(made, {"data.cleaning": [{"kind": "names", "model": model}]}, "a test")


@pytest.mark.parametrize(("make", "second"), [(shares, False), (captions, True), (names, True)])
def test_containers_make_the_artifacts_of_processes(
    make: Callable[[RunningStack, Path, Path], Recipe], second: bool, docker_stack: RunningStack, name_tagger: Path, tmp_path: Path
) -> None:
    recipe = make(docker_stack, tmp_path, name_tagger)
    path = written(recipe, tmp_path)
    before = {found.reference for found in open_artifacts(docker_stack.settings).manifests()}
    trainshed(docker_stack, "run", path)
    made = [found for found in open_artifacts(docker_stack.settings).manifests() if found.reference not in before]
    other = f"s3://pipeline/by-process-{recipe.name}"
    trainshed(docker_stack, "run", path, "--local", TRAINSHED_STORE=other)
    by_process = digests(docker_stack, other)
    assert {"ingestion", "tokenization", "finetuning"} <= set(by_process)
    assert {found.stage: found.digest for found in made if found.stage in by_process} == by_process
    used = {found.stage: found.provenance.environment["image"] for found in made}
    plain = docker("inspect", "--format", "{{.Id}}", "trainshed-test/ingestion:0.1.0")
    assert (used["ingestion"] != plain) is second
