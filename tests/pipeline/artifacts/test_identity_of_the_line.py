"""What an edit of the real tree does to the real line: the code part of every step's fingerprint, before and after."""

from __future__ import annotations

import re
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.cases import few

from components.finetuning.contract import FinetuningParams
from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.artifacts.fingerprint import differences, fingerprint_parts
from pipeline.artifacts.manifest import Parts
from pipeline.lines import Step, trace
from pipeline.recipe import Finetuning, Section, find_recipe
from pipeline.recipe.recipe import check_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


RECIPES = [SOURCES / "dags" / "recipes"]
TWO = ("pydocs", "pydocs-topics")
STATEMENT = "\nADDED_BY_AN_EDIT = 1\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources; one for all tests, because parsing a copy takes a second."""
    folder = tmp_path_factory.mktemp("sources")
    for package in ("pipeline", "components"):
        shutil.copytree(SOURCES / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def tree(copy: Path) -> Iterator[Path]:
    """The copy, whose edited modules are put back afterwards."""
    yield copy
    for path in copy.rglob("*.py"):
        original = (SOURCES / path.relative_to(copy)).read_bytes()
        if path.read_bytes() != original:
            path.write_bytes(original)


def steps(recipe: str) -> tuple[Step, ...]:
    return tuple(trace(find_recipe(recipe, RECIPES)))


def params_of(step: Step) -> dict[str, Any]:
    return step.params.model_dump(mode="json")


def made_with(step: Step, line: tuple[Step, ...]) -> list[dict[str, Any]]:
    """Params of the inputs; the champion was trained by the same recipe."""
    model = next(step for step in line if step.id == "finetuning")
    return [params_of(origin if isinstance(origin, Step) else model) for origin in step.inputs.values() if origin]


def identities(tree: Path, recipe: str = "pydocs") -> dict[str, dict[str, str]]:
    """Reached modules and their digests by step, as a run of the recipe has them."""
    line = steps(recipe)
    return {
        step.id: reached_modules(
            step.component.name, params_of(step), tree, input_params=made_with(step, line), task_parts=step.component.task_parts
        )
        for step in line
    }


@cache
def untouched(recipe: str) -> dict[str, dict[str, str]]:
    """The same for sources nobody edited: to compute them takes a second, so it is done once a recipe."""
    return identities(SOURCES, recipe)


def changed(tree: Path, name: str, addition: str, recipe: str = "pydocs") -> set[str]:
    """Steps whose identity changes when something is added at the end of a module."""
    before = untouched(recipe)
    with (tree / name).open("a") as file:
        file.write(addition)
    after = identities(tree, recipe)
    return {step for step in before if before[step] != after[step]}


def test_the_copy_has_the_identity_that_planning_computes(tree: Path) -> None:
    found = identities(tree)
    line = steps("pydocs")
    for step in line:
        assert found[step.id] == fingerprint_parts(step.component, step.params, {}, input_params=made_with(step, line)).modules


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("pipeline/tokens/encoding.py", "tokenization"),
        ("components/tokenization/__main__.py", "tokenization"),
        ("pipeline/corpus/decide.py", "ingestion"),
        ("pipeline/training/finetune.py", "finetuning"),
        ("pipeline/tasks/written/examples.py", "ingestion"),
        ("pipeline/tasks/summarization/scoring.py", "evaluation"),
    ],
)
def test_an_edit_in_what_one_step_depends_on_changes_that_step_alone(tree: Path, name: str, step: str) -> None:
    assert changed(tree, name, STATEMENT) - {"champion_evaluation"} == {step}


@pytest.mark.parametrize("name", few(["tokens/encoding.py", "corpus/ingest.py", "training/loop.py"], ["corpus/ingest.py"]))
def test_a_comment_or_a_docstring_changes_nothing_anywhere(tree: Path, name: str) -> None:
    assert changed(tree, f"pipeline/{name}", "\n# said in other words\n") == set()
    path = tree / "pipeline" / name
    path.write_text(re.sub(r'"""(?=[A-Z])', '"""Said in other words: ', path.read_text()))
    assert path.read_text() != (SOURCES / "pipeline" / name).read_text()
    assert identities(tree) == untouched("pydocs")


def test_an_edit_in_plumbing_changes_nothing(tree: Path) -> None:
    for name in ("artifacts/s3.py", "retry.py", "tracking/server.py", "runtime/execute.py", "orchestration/dag.py"):
        assert changed(tree, f"pipeline/{name}", STATEMENT) == set()


def test_an_edit_in_a_section_or_in_another_task_changes_nothing(tree: Path) -> None:
    for name in ("section.py", "summarization/section.py", "classification/examples.py", "classification/section.py"):
        assert changed(tree, f"pipeline/tasks/{name}", STATEMENT) == set()


def test_an_edit_in_a_family_of_ours_changes_nothing_of_the_others(tree: Path) -> None:
    assert changed(tree, "pipeline/models/copying/t5.py", STATEMENT) >= {"pretraining", "finetuning", "evaluation"}
    assert changed(tree, "pipeline/models/copying/t5.py", STATEMENT, "pydocs-topics") == set()


@pytest.mark.parametrize(
    ("table", "row", "module"),
    [
        ("models/__init__.py", '"mine": "pipeline.models.mine:Mine"', "models/mine.py"),
        ("tasks/__init__.py", '"rhyming": "pipeline.tasks.rhyming:Rhyming"', "tasks/rhyming.py"),
        ("training/__init__.py", '"rhyming": "pipeline.training.rhyming:Rhyming"', "training/rhyming.py"),
        ("corpus/readers/__init__.py", '"rhymes": "pipeline.corpus.readers.rhymes:read"', "corpus/readers/rhymes.py"),
    ],
    ids=["family", "task", "objective", "reader"],
)
def test_a_new_entry_changes_nothing(tree: Path, table: str, row: str, module: str) -> None:
    place, new = tree / "pipeline" / table, tree / "pipeline" / module
    text = place.read_text()
    place.write_text(text.replace("    {\n", f"    {{\n        {row},\n"))
    assert place.read_text() != text
    new.write_text("class New: ...\n")
    try:
        assert {recipe: identities(tree, recipe) for recipe in TWO} == {recipe: untouched(recipe) for recipe in TWO}
    finally:
        new.unlink()


def test_a_jsonl_corpus_depends_on_no_other_reader(tree: Path) -> None:
    """The default column is called ``text``, as a kind of source is."""
    data = {"source": {"kind": "jsonl", "columns": {"text": "text"}}}
    reached = reached_modules("ingestion", {"data": data}, tree)
    readers = {name.rpartition(".")[2] for name in reached if name.startswith("pipeline.corpus.readers.")}
    assert "jsonl_files" in readers
    assert not {"text_files", "pydocs", "csv_files", "parquet_files"} & readers
    assert any(name.startswith("pipeline.sources.") for name in reached)


class Adapter(Section):
    """Has an optional field too."""

    rank: int = 8
    """A field with a value."""

    dropout: float | None = None
    """An optional field."""


class WiderFinetuning(Finetuning):
    """The section as a later version may have it."""

    added: int | None = None
    """An optional field."""

    adapter: Adapter | None = None
    """An optional part."""


class WiderFinetuningParams(FinetuningParams):
    """Params with the wider section."""

    finetuning: WiderFinetuning
    """The section."""


def identity_of_finetuning(**values: Any) -> Parts:
    """The parts of fine-tuning by the wider section."""
    step = next(step for step in steps("pydocs") if step.id == "finetuning")
    section = WiderFinetuning.model_validate({**step.params.model_dump()["finetuning"], **values})
    params = WiderFinetuningParams.model_validate({**dict(step.params), "finetuning": section})
    return fingerprint_parts(step.component, params, {})


def test_a_section_that_gains_an_optional_field_keeps_its_fingerprint() -> None:
    step = next(step for step in steps("pydocs") if step.id == "finetuning")
    before, after = fingerprint_parts(step.component, step.params, {}), identity_of_finetuning()
    assert before.params != after.params
    assert after.fingerprint == before.fingerprint
    assert differences(before, after) == []


def test_a_field_that_is_none_is_left_out_at_any_depth() -> None:
    unset, given = identity_of_finetuning(adapter={"rank": 4}), identity_of_finetuning(adapter={"rank": 4, "dropout": 0.1})
    without = Parts.model_validate(unset.model_dump())
    del without.params["finetuning"]["adapter"]["dropout"]
    assert without.params != unset.params
    assert without.fingerprint == unset.fingerprint
    assert len({identity_of_finetuning().fingerprint, unset.fingerprint, given.fingerprint}) == 3
    assert differences(unset, given) == ["param finetuning.adapter.dropout: (none) → 0.1"]


def test_what_changed_in_one_of_several_sources_is_named_by_its_name() -> None:
    def parts(cap: int | None) -> Parts:
        sources = [{"name": "web", "path": "a", "max_documents": cap}, {"name": "books", "path": "b"}]
        return Parts(component="ingestion", version=1, params={"data": {"sources": sources}}, inputs={}, modules={}, libraries={})

    assert differences(parts(None), parts(7)) == ["param data.sources.web.max_documents: (none) → 7"]
    assert differences(parts(7), parts(7)) == []


def stopping_on(metric: str | None) -> dict[str, Parts]:
    """The identities of a line whose early stopping looks at a metric, or at the loss."""
    finetuning = {"stop_on": metric, "stop_examples": None}
    recipe = find_recipe("pydocs", RECIPES)
    recipe = recipe.model_copy(update={"finetuning": recipe.finetuning.model_copy(update=finetuning)})
    line = tuple(trace(recipe))
    return {step.id: fingerprint_parts(step.component, step.params, {}, input_params=made_with(step, line)) for step in line}


def test_a_metric_that_stops_training_is_part_of_fine_tuning_alone() -> None:
    loss, rouge = stopping_on(None), stopping_on("rougeL")
    assert {step for step in loss if loss[step].fingerprint != rouge[step].fingerprint} == {"finetuning"}
    added = rouge["finetuning"].modules.keys() - loss["finetuning"].modules.keys()
    assert {"pipeline.metrics.rouge", "pipeline.metrics.METRICS", "pipeline.tasks.summarization.scoring"} <= added
    assert not {name for name in added if "baselines" in name or name in ("pipeline.metrics.translation", "pipeline.metrics.labels")}
    assert "rouge-score" in rouge["finetuning"].libraries
    assert "rouge-score" not in loss["finetuning"].libraries
    assert not {name for name in loss["finetuning"].modules if name.startswith(("pipeline.evaluation", "pipeline.metrics.METRICS"))}


def test_the_corpus_is_an_input_of_fine_tuning_only_where_it_is_scored() -> None:
    recipe = find_recipe("pydocs", RECIPES)
    scored = recipe.model_copy(update={"finetuning": recipe.finetuning.model_copy(update={"stop_on": "rougeL"})})
    inputs = [next(step for step in trace(one) if step.id == "finetuning").inputs["corpus"] for one in (recipe, scored)]
    assert inputs[0] is None
    assert inputs[1].id == "ingestion"


def test_where_a_training_stops_is_part_of_its_result_and_not_of_its_state() -> None:
    step = next(step for step in steps("pydocs") if step.id == "finetuning")

    def parts(until: int | None) -> Parts:
        section = step.params.finetuning.model_copy(update={"until": until})
        return fingerprint_parts(step.component, step.params.model_copy(update={"finetuning": section}), {})

    whole, first, second = parts(None), parts(200), parts(400)
    assert len({one.fingerprint for one in (whole, first, second)}) == 3
    assert {one.training_state(step.component.budget) for one in (whole, first, second)} == {whole.fingerprint}
    assert [step.component.last_step(one.params) for one in (whole, first, second)] == [None, 200, 400]
    assert first.training_state(None) == first.fingerprint


def test_an_experiment_is_no_part_of_a_run() -> None:
    recipe = find_recipe("pydocs", RECIPES)
    searched = check_recipe(
        {**recipe.model_dump(mode="json"), "experiment": {"search": {"finetuning.batch": {"values": [1]}}, "method": "grid"}}, "pydocs"
    )
    assert searched.experiment
    assert [step.params for step in trace(searched)] == [step.params for step in trace(recipe)]
