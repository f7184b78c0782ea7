"""The demo's recipe on JSON Lines in S3, in containers and in processes, both through Airflow: the digests are equal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fixtures.boxed import PURE, digests, uploaded
from fixtures.commands import trainshed, written
from fixtures.docker import running_docker_stack
from fixtures.stack import REPOSITORY

from pipeline.corpus.documents import Record
from pipeline.corpus.readers.pydocs import read
from pipeline.recipe import Columns, Source, read_recipe
from pipeline.recipe.overrides import replace_fields
from pipeline.reporter import SilentReporter
from pipeline.sources.installed import pin

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.stack import RunningStack

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]


def as_json_lines(stack: RunningStack, file: Path) -> Path:
    """What the source ``pydocs`` reads here."""
    source = Source(kind="pydocs")
    records = read(source, pin(source, stack.settings), stack.settings, SilentReporter())
    with file.open("w") as out:
        out.writelines(json.dumps(found._asdict()) + "\n" for found in records if isinstance(found, Record))
    return file


def test_containers_make_of_pydocs_what_processes_make(images: str, tmp_path: Path) -> None:
    with running_docker_stack(images, tmp_path / "state", TRAINSHED_THREADS="2") as stack:
        place = uploaded(stack, as_json_lines(stack, tmp_path / "pydocs.jsonl"), "corpora/pydocs")
        source = Source(kind="jsonl", path=place, columns=Columns(target="target", name="name", group="group"))
        recipe = replace_fields(
            read_recipe(REPOSITORY / "dags" / "recipes" / "pydocs.yaml"),
            {"name": "pydocs-lines", "registration.model": "pydocs-lines", "data.source": source.model_dump()},
            "a test",
        )
        path = written(recipe, tmp_path)
        said = trainshed(stack, "run", path).stdout
        made = digests(stack, stack.settings.store)
        print(said, made)
        other = {"TRAINSHED_LAUNCHER": "process", "TRAINSHED_STORE": "s3://pipeline/by-process"}
        trainshed(stack, "up", **other)
        said = trainshed(stack, "run", path, **other).stdout
        assert " running" in said
        print(said)
        assert set(made) == set(PURE)
        assert made == digests(stack, other["TRAINSHED_STORE"])
