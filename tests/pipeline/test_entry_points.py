"""A user's own installed package: its entries are found, checked, used, and part of the identity of the steps that use them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from fixtures.line import small_recipe
from fixtures.packages import install

from pipeline import extension_points
from pipeline.artifacts.code import reached_modules
from pipeline.artifacts.fingerprint import differences, fingerprint_parts
from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput
from pipeline.evaluation.baselines import BASELINES
from pipeline.line import trace
from pipeline.lookup import Table
from pipeline.metrics.base import Prediction
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.recipe import check_recipe
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.packages import Install

    from pipeline.artifacts.manifest import Parts
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

__all__ = ["install"]

VERSES = {
    "verses/__init__.py": "",
    "verses/pins.py": """
        from pipeline.sources.base import Pin, PinnedItem

        def pin(source, settings):
            return Pin(kind="verses", items=(PinnedItem(name="all", revision="sha256:" + "0" * 64),))
        """,
    "verses/reading/__init__.py": "",
    "verses/reading/reader.py": """
        from pipeline.corpus.documents import Record
        from verses.reading import texts

        TABLES = {"never": "verses.reading.unused:X"}

        def read(source, pin, settings, reporter):
            import verses.heavy
            for number in range(texts.COUNT):
                yield Record(f"Verse number {number} is long enough.", target=f"The heading of verse {number}")
        """,
    "verses/reading/texts.py": "COUNT = 40\n",
    "verses/reading/unused.py": "X = 1\n",
    "verses/heavy.py": "import torch_that_is_not_installed\n",
    "verses/other.py": "O = 1\n",
}
VERSES_ENTRIES = {"trainshed.sources": {"verses": "verses.pins:pin"}, "trainshed.readers": {"verses": "verses.reading.reader:read"}}


def recipe_of(folder: Path, kind: str) -> Recipe:
    data = small_recipe(folder).model_dump(mode="json", exclude_none=True)
    data["data"]["source"] = {"kind": kind, "path": "x", "columns": {"target": "t"}}
    return check_recipe(data, "mine.yaml")


def identity(recipe: Recipe, step_id: str) -> Parts:
    step = next(step for step in trace(recipe) if step.id == step_id)
    return fingerprint_parts(step.component, step.params, {})


def test_a_metric_of_a_package_is_found_and_used(install: Install) -> None:
    code = """
        from dataclasses import replace
        from pipeline.metrics.exact_match import EXACT_MATCH

        SHOUTED = replace(EXACT_MATCH, name="shouted")
        """
    install("my-metrics", {"shouting.py": code}, {"trainshed.metrics": {"shouted": "shouting:SHOUTED"}})
    metric = load_metric("shouted")
    assert metric.value(metric.statistics(["A", "b"], [Prediction("A"), Prediction("B")]).sum(axis=0)) == pytest.approx(50.0)
    with pytest.raises(BadInput, match=r"unknown metric 'shoutet'.*did you mean 'shouted'"):
        load_metric("shoutet")


def test_a_source_of_a_package_is_pinned_read_and_identified(install: Install, tmp_path: Path, folder_settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"data\.source.kind in mine.yaml: 'verses'"):
        recipe_of(tmp_path, "verses")
    site = install("my-verses", VERSES, VERSES_ENTRIES)
    recipe = recipe_of(tmp_path, "verses")
    before = identity(recipe, "ingestion")
    assert {name for name in before.modules if "verses" in name} == {
        "trainshed.readers verses", "verses", "verses.heavy",
        "verses.reading", "verses.reading.reader", "verses.reading.texts", "verses.reading.unused",
    }  # fmt: skip
    assert "pipeline.corpus.documents" in before.modules
    # the pin has its own digest; a comment and a module that the source does not reach change nothing
    (site / "verses/other.py").write_text("O = 2\n")
    (site / "verses/reading/texts.py").write_text("COUNT = 40  # as many as before\n")
    assert identity(recipe, "ingestion").fingerprint == before.fingerprint
    (site / "verses/reading/texts.py").write_text("COUNT = 50\n")
    after = identity(recipe, "ingestion")
    assert [line.partition(":")[0] for line in differences(before, after)] == ["module verses.reading.texts"]
    # only now is its code imported
    (site / "verses/heavy.py").write_text("")
    importlib.invalidate_caches()
    (tmp_path / "corpus").mkdir()
    pin = PINNERS.load("verses")(recipe.data.source, folder_settings)
    examples = part(recipe.task, "examples")
    counts = ingest_corpus(recipe.data, examples, pin, tmp_path / "corpus", folder_settings, SilentReporter())
    assert counts["read"] == 50
    assert next(iter(read_documents(tmp_path / "corpus", "train"))).text.startswith("Verse number")


def test_an_entry_that_the_params_do_not_name_changes_nothing(install: Install, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    before = identity(recipe, "ingestion")
    install("my-verses", VERSES, VERSES_ENTRIES)
    assert identity(recipe, "ingestion") == before


def test_an_entry_of_a_table_that_counts_whole_changes_its_steps(install: Install, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    before = identity(recipe, "evaluation")
    install("my-baselines", {"silence.py": "def silent(): ...\n"}, {"trainshed.baselines": {"silent": "silence:silent"}})
    assert {line.partition(":")[0] for line in differences(before, identity(recipe, "evaluation"))} == {
        "module silence",
        "module trainshed.baselines silent",
    }
    assert list(BASELINES)[-1] == "silent"


def test_the_object_that_an_entry_names_is_part_of_the_identity(install: Install) -> None:
    files = {"rows.py": "def one(): ...\ndef two(): ...\n"}
    params = {"data": {"source": {"kind": "rows"}}}
    install("my-rows", files, {"trainshed.readers": {"rows": "rows:one"}})
    before = reached_modules("ingestion", params)
    install("my-rows", files, {"trainshed.readers": {"rows": "rows:two"}})
    after = reached_modules("ingestion", params)
    assert {name for name in before if before[name] != after[name]} == {"trainshed.readers rows"}


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        ({"my-a": {"lead": "a:b"}}, "trainshed.baselines: 'lead' comes from trainshed and from my-a; fix: rename"),
        ({"my-a": {"x": "a:b"}, "my-b": {"x": "a:b"}}, "trainshed.baselines: 'x' comes from my-a and from my-b; fix: rename"),
        ({"my-a": {"x": "a.b"}}, "trainshed.baselines: 'x' of my-a is 'a.b'; expected module:Object; fix: correct or uninstall my-a"),
    ],
    ids=["own entry", "two packages", "no object"],
)
def test_a_clash_or_a_wrong_place_names_the_packages(install: Install, packages: dict[str, dict[str, str]], words: str) -> None:
    for name, rows in packages.items():
        install(name, {}, {"trainshed.baselines": rows})
    for use in (
        lambda: BASELINES["lead"],
        lambda: BASELINES.load("lead"),
        lambda: list(BASELINES),
        lambda: reached_modules("evaluation", {}),
    ):
        with pytest.raises(BadInput) as error:
            use()
        assert str(error.value).startswith(words)


def test_a_package_that_cannot_be_imported_is_named(install: Install) -> None:
    install("my-broken", {"broken.py": "import nothing_of_this_name\n"}, {"trainshed.baselines": {"x": "broken:x", "y": "missing:y"}})
    with pytest.raises(BadInput, match="baseline 'x' of package my-broken cannot be imported: No module named 'nothing_of_this_name'"):
        BASELINES.load("x")
    with pytest.raises(BadInput, match=r"trainshed\.baselines y of package my-broken is missing:y; expected a module with Python source"):
        reached_modules("evaluation", {})


def test_a_table_without_a_group_takes_no_entries(install: Install) -> None:
    install("my-a", {}, {"trainshed.components": {"x": "a:b"}})
    table = Table("component", None, {"a": "a:A"})
    assert dict(table) == {"a": "a:A"}
    with pytest.raises(BadInput, match="unknown component 'x'"):
        table.load("x")


@pytest.mark.parametrize("group", extension_points.TABLES)
def test_each_group_has_its_table(group: str) -> None:
    table = extension_points.table(group)
    assert table.group == group
    assert len(table) == len(list(table)) > 0
