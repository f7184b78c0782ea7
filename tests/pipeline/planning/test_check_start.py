"""A base that does not fit the recipe is refused by the plan, before a step runs; a plan of hits looks at no base."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.artifacts import write_files
from fixtures.line import small_recipe
from fixtures.starts import CONTEXT, pretrained_folder

from pipeline.artifacts import open_store
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Provenance
from pipeline.erasure.tombstones import Tombstone, append_tombstone
from pipeline.errors import BadInput
from pipeline.planning import plan_run
from pipeline.planning.check_start import check_base_here
from pipeline.planning.plan import Status
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.planning import Plan
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

TAGS = {"kind": "tagging", "max_tokens": 40}
CLASSES = {"kind": "classification", "max_tokens": 40}
TASKS: dict[str, dict[str, Any]] = {
    "tagging": {"task": TAGS, "registration.gate": {"beats": [], "min_examples": 1, "min_groups": 1}},
    "classification": {"task": CLASSES, "registration.gate": {"beats": [], "min_examples": 1, "min_groups": 1}},
    "summarization": {},
}


@pytest.fixture
def settings(folder_settings: Settings, tmp_path: Path) -> Settings:
    return folder_settings.model_copy(update={"home": tmp_path})


@pytest.fixture
def make_recipe(tmp_path: Path) -> Callable[..., Recipe]:
    def make(start: str, task: str = "summarization", context: int | None = None, **fields: Any) -> Recipe:
        model = {"start": start, "context": context, "family": None, "config": {}}
        return replace_fields(small_recipe(tmp_path), {"model": model, "pretraining": None, **deepcopy(TASKS[task]), **fields}, "a test")

    return make


def plan(recipe: Recipe, settings: Settings) -> Plan:
    return plan_run(recipe, "small-1", settings, record=False)


def commit(recipe: Recipe, settings: Settings, step_id: str, files: dict[str, str], folder: Path, **outputs: Any) -> Any:
    """Commit an artifact of a step with these files."""
    planner = Planner(recipe, settings)
    step = next(step for step in planner.steps if step.id == step_id)
    resolved = planner.resolver.resolve(step, outputs)
    now = datetime.now(UTC)
    draft = Draft(
        type=step.component.output, stage=step.component.name, parts=resolved.parts, inputs=resolved.inputs,
        provenance=Provenance(code_version="x", run="small-1", started=now, finished=now),
    )  # fmt: skip
    return planner.artifacts.commit(draft, write_files(folder, files)).reference


@pytest.mark.parametrize(
    ("family", "task", "changes", "words"),
    [
        (
            "t5",
            "tagging",
            {},
            r"task tagging with an encoder-decoder; expected an encoder or a decoder; fix: change model\.family or model\.start",
        ),
        ("bert", "summarization", {}, r"task summarization with an encoder; expected a decoder or an encoder-decoder"),
        (
            "bert",
            "classification",
            {"context": 2 * CONTEXT},
            rf"model\.context {2 * CONTEXT}; expected at most {CONTEXT}, the positions of the base",
        ),
        (
            "bert",
            "classification",
            {"task.max_tokens": 400},
            rf"the {CONTEXT} positions of the base model are too few .*; expected at least 397 tokens",
        ),
        ("t5", "summarization", {"context": 16}, r"model\.context 16 is too few for the task's longest sequence"),
        (
            "t5",
            "summarization",
            {"pretraining": {"objective": "masked_lm", "steps": 1}},
            r"pretraining\.objective 'masked_lm' with model\.start, an encoder-decoder \(t5\); expected an encoder; fix: change one of them",
        ),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(
    family: str, task: str, changes: dict[str, Any], words: str, make_recipe, settings: Settings, tmp_path: Path
) -> None:
    pretrained_folder(tmp_path / "base", family)
    recipe = make_recipe("base", task, **changes)
    for check in (plan, check_base_here):
        with pytest.raises(BadInput, match=words) as caught:
            check(recipe, settings)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("family", "task"), [("t5", "summarization"), ("bert", "classification"), ("roberta", "tagging"), ("gpt2", "classification")]
)
def test_a_folder_that_fits_is_planned(family: str, task: str, make_recipe, settings: Settings, tmp_path: Path) -> None:
    pretrained_folder(tmp_path / "base", family)
    recipe = make_recipe("base", task)
    check_base_here(recipe, settings)
    assert plan(recipe, settings).step("model_import").status is Status.MISS


def test_what_is_not_on_this_machine_is_no_mistake_of_the_recipe(make_recipe, settings: Settings) -> None:
    for address in ("nowhere", "s3://bucket/prefix", "package:tiny-weights==1.2", f"hub:org/tiny@{'a' * 40}", "models:/notes@champion"):
        check_base_here(make_recipe(address), settings)


def test_an_imported_base_is_looked_at_in_the_store(make_recipe, settings: Settings, tmp_path: Path) -> None:
    """Of a hub or a package nothing is known before the import, and afterwards its configuration is."""
    recipe = make_recipe(f"hub:org/tiny@{'a' * 40}", "tagging")
    assert plan(recipe, settings).step("model_import").status is Status.MISS
    commit(recipe, settings, "model_import", {"config.json": json.dumps({"model_type": "t5"})}, tmp_path / "made")
    with pytest.raises(BadInput, match="task tagging with an encoder-decoder"):
        plan(recipe, settings)
    assert plan(make_recipe(f"hub:org/tiny@{'a' * 40}"), settings).step("model_import").status is Status.HIT


def test_a_champion_of_another_kind_is_refused(make_recipe, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_recipe(f"hub:org/tiny@{'a' * 40}")
    reference = commit(first, settings, "model_import", {"config.json": json.dumps({"model_type": "t5"})}, tmp_path / "made")
    monkeypatch.setattr("pipeline.planning.resolve.InputResolver.champion", lambda *_: reference)
    assert plan(make_recipe("models:/notes@champion"), settings)
    with pytest.raises(BadInput, match="task tagging with an encoder-decoder"):
        plan(make_recipe("models:/notes@champion", "tagging"), settings)


def test_a_plan_in_which_nothing_trains_looks_at_no_base(
    make_recipe, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretrained_folder(tmp_path / "base", "t5")
    recipe, outputs = make_recipe("base"), {}
    for step_id in ("ingestion", "model_import", "tokenization", "finetuning"):
        outputs[step_id] = commit(recipe, settings, step_id, {"tokenizer": step_id}, tmp_path / step_id, **outputs)

    def look(*_: object) -> None:
        raise AssertionError("a hit looks at no base")

    monkeypatch.setattr("pipeline.planning.check_start.facts_of_start", look)
    monkeypatch.setattr("pipeline.planning.check_start._facts_of", look)
    found = plan(recipe, settings)
    assert found.step("finetuning").status is Status.HIT
    assert found.step("evaluation").status is Status.MISS


def test_a_champion_that_learned_what_is_to_be_forgotten_is_no_start(
    make_recipe, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_recipe(f"hub:org/tiny@{'a' * 40}")
    reference = commit(first, settings, "model_import", {"config.json": json.dumps({"model_type": "t5"})}, tmp_path / "made")
    monkeypatch.setattr("pipeline.planning.resolve.InputResolver.champion", lambda *_: reference)
    entry = Tombstone(number=1, time=datetime.now(UTC), person="ada", ids=("a" * 24,))
    append_tombstone(open_store(settings), entry)
    assert plan(make_recipe("models:/notes@champion"), settings)  # imported weights were made from no corpus
    monkeypatch.setattr("pipeline.erasure.holders.Holders.entries_of", lambda *_: frozenset({1}))
    with pytest.raises(BadInput, match=r"model\.start: models:/notes@champion has learned what its successor may not know: .*\(entry 1 of"):
        plan(make_recipe("models:/notes@champion"), settings)
