"""The warning about a test set that is too small: in the plan where the corpus exists, else right after ingestion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import write_files
from fixtures.line import small_recipe
from rich.console import Console

from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Provenance
from pipeline.cli.local_output import LocalOutput
from pipeline.planning import plan_run, prepare_step
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.artifacts.manifest import Manifest
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

SAID = "20 test examples are too few to find a gain of 2.00 in rougeL in 9 of 10 cases"


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return replace_fields(small_recipe(tmp_path), {"registration.gate.min_gain": 2.0}, "test")


@pytest.fixture
def ingest(folder_settings: Settings, recipe: Recipe, tmp_path: Path) -> Callable[..., Manifest]:
    """Commit a corpus of the recipe, made by some run."""

    def commit(run: str = "small-1", pairs: int = 90) -> Manifest:
        planner = Planner(recipe, folder_settings)
        step = next(step for step in planner.steps if step.id == "ingestion")
        resolved, now = planner.resolver.resolve(step, {}), datetime.now(UTC)
        draft = Draft(
            type=step.component.output, stage=step.component.name, parts=resolved.parts, inputs={}, counts={"test": 99, "pairs_test": pairs},
            provenance=Provenance(code_version="x", run=run, started=now, finished=now),
        )  # fmt: skip
        return planner.artifacts.commit(draft, write_files(tmp_path / f"corpus-{run}-{pairs}", {"a": f"{pairs}"}))

    return commit


def test_a_plan_warns_where_the_corpus_exists_and_a_gain_is_asked_for(recipe, ingest, folder_settings, tmp_path, capsys) -> None:
    assert plan_run(recipe, "small-2", folder_settings, record=False).warnings == ()
    ingest()
    plan = plan_run(recipe, "small-2", folder_settings, record=False)
    assert len(plan.warnings) == 1
    assert plan.warnings[0].startswith(SAID)
    LocalOutput(Console(width=1000)).on_plan(plan)
    assert f"warning: {SAID}" in capsys.readouterr().out
    assert plan_run(small_recipe(tmp_path), "small-2", folder_settings, record=False).warnings == ()


def test_fewer_pairs_than_examples_to_score_count(recipe, ingest, folder_settings) -> None:
    ingest(pairs=7)
    assert plan_run(recipe, "small-2", folder_settings, record=False).warnings[0].startswith("7 test examples")


def warnings_of_planning(caplog) -> list[str]:
    """The start of each; threads of other tests may warn meanwhile."""
    found = [record for record in caplog.records if record.levelname == "WARNING" and record.name.startswith("pipeline.planning")]
    return [record.message[: len(SAID)] for record in found]


def test_the_first_step_after_ingestion_warns_once(recipe, ingest, folder_settings, caplog) -> None:
    corpus = ingest()
    outputs = {"ingestion": corpus.reference}
    prepare_step(recipe, "small-1", "tokenization", folder_settings, outputs)
    assert warnings_of_planning(caplog) == [SAID]
    caplog.clear()
    prepare_step(recipe, "small-9", "tokenization", folder_settings, outputs)
    assert warnings_of_planning(caplog) == []
