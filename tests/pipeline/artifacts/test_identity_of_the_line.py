"""What an edit of the real tree does to the real line: the code part of every step's fingerprint, before and after."""

from __future__ import annotations

import re
import shutil
from functools import cache
from typing import TYPE_CHECKING

import pytest

from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.line import trace
from pipeline.recipe import find_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.line import Step

RECIPES = [SOURCES / "dags" / "recipes"]
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


def identities(tree: Path, recipe: str = "pydocs") -> dict[str, dict[str, str]]:
    """Reached modules and their digests by step, as a run of the recipe has them."""
    return {step.id: reached_modules(step.component.name, step.params.model_dump(mode="json"), tree) for step in steps(recipe)}


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
    for step in steps("pydocs"):
        assert found[step.id] == fingerprint_parts(step.component, step.params, {}).modules


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("pipeline/tokens/encoding.py", "tokenization"),
        ("components/tokenization/__main__.py", "tokenization"),
        ("pipeline/corpus/deduplication.py", "ingestion"),
        ("pipeline/training/finetune.py", "finetuning"),
    ],
)
def test_an_edit_in_what_one_step_depends_on_changes_that_step_alone(tree: Path, name: str, step: str) -> None:
    assert changed(tree, name, STATEMENT) == {step}


@pytest.mark.parametrize("name", ["tokens/encoding.py", "corpus/ingest.py", "training/loop.py"])
def test_a_comment_or_a_docstring_changes_nothing_anywhere(tree: Path, name: str) -> None:
    assert changed(tree, f"pipeline/{name}", "\n# said in other words\n") == set()
    path = tree / "pipeline" / name
    path.write_text(re.sub(r'"""(?=[A-Z])', '"""Said in other words: ', path.read_text()))
    assert path.read_text() != (SOURCES / "pipeline" / name).read_text()
    assert identities(tree) == untouched("pydocs")


def test_an_edit_in_plumbing_changes_nothing(tree: Path) -> None:
    for name in ("artifacts/s3.py", "retry.py", "tracking/server.py", "runtime/execute.py", "orchestration/dag.py"):
        assert changed(tree, f"pipeline/{name}", STATEMENT) == set()


def test_an_edit_in_one_family_trains_no_model_of_the_other(tree: Path) -> None:
    """Evaluation opens models of every family, so that it counts there."""
    assert changed(tree, "pipeline/models/gpt2.py", STATEMENT, "pydocs-gpt2") >= {"pretraining", "finetuning"}
    assert not {"pretraining", "finetuning"} & changed(tree, "pipeline/models/gpt2.py", STATEMENT, "pydocs")
