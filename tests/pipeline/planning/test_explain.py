"""Why a step runs again: it is compared with artifacts of its own recipe where there are any."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.manifest import Parts, Provenance
from pipeline.planning.explain import nearest, why
from pipeline.runs.names import new_run_name


@pytest.fixture
def artifacts(folder_settings) -> Artifacts:
    return open_artifacts(folder_settings)


def parts(**params) -> Parts:
    return Parts(component="finetuning", version=1, params=params, inputs={}, modules={}, libraries={})


@pytest.fixture
def made(artifacts, tmp_path):
    """Commit an artifact of a recipe with these params."""
    folder = tmp_path / "made"
    folder.mkdir()

    def make(recipe: str, **params) -> None:
        (folder / "model").write_text(repr((recipe, params)))
        now = datetime.now(UTC)
        provenance = Provenance(code_version="x", run=new_run_name(recipe), started=now, finished=now)
        artifacts.commit(Draft(type="model", stage="finetuning", parts=parts(**params), inputs={}, provenance=provenance), folder)

    return make


def reason(artifacts: Artifacts, recipe: str, **params) -> str:
    return why(nearest(artifacts, parts(**params), recipe))


def test_a_recipe_is_compared_with_itself_and_not_with_a_more_similar_one(artifacts, made):
    made("pydocs", width=64, steps=10, seed=1)
    for seed in range(2, 12):  # so many that the newest few are all of the other recipe
        made("pydocs-topics", width=64, steps=20, seed=seed)
    assert reason(artifacts, "pydocs", width=64, steps=20, seed=1) == "param steps: 10 → 20"
    assert reason(artifacts, "pydocs-topics", width=64, steps=20, seed=1) == "param seed: 11 → 1"


def test_a_new_recipe_is_compared_with_others(artifacts, made):
    assert reason(artifacts, "new", width=32) == "not cached"
    made("pydocs", width=64)
    assert reason(artifacts, "new", width=32) == "param width: 64 → 32"
