"""A user's own installed package: its entries are found, checked, used, and part of the identity of the steps that use them."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fixtures.corpora import write_corpus
from fixtures.line import small_recipe
from fixtures.packages import install, write_package
from fixtures.scratch_checkout import HOME

from pipeline import extension_points
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.code import reached_modules
from pipeline.artifacts.fingerprint import differences, fingerprint_parts
from pipeline.corpora.facts import read_facts
from pipeline.corpora.rules import Looked, ask
from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput
from pipeline.evaluation.baselines import BASELINES
from pipeline.lines import trace
from pipeline.lookup import Table
from pipeline.metrics.base import Prediction
from pipeline.metrics.load_metric import load_metric
from pipeline.planning import prepare_step
from pipeline.recipe.recipe import check_recipe
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources import PINNERS
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.mlflow import Server
    from fixtures.packages import Install

    from pipeline.artifacts.manifest import Parts
    from pipeline.recipe import Recipe

__all__ = ["install"]

SUMMARIES = {"task": {"kind": "summarization"}}
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

        OTHERS = {"one": "verses.reading.named:X"}

        def read(source, pin, settings, reporter):
            import verses.heavy
            assert OTHERS
            for number in range(texts.COUNT):
                yield Record(f"Verse number {number} is long enough.", target=f"The heading of verse {number}")
        """,
    "verses/reading/texts.py": "COUNT = 40\n",
    "verses/reading/named.py": "X = 1\n",
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
        "verses", "verses.heavy", "verses.reading", "verses.reading.named",
        "verses.reading.reader", "verses.reading.reader.OTHERS", "verses.reading.texts",
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
        "module pipeline.evaluation.baselines.BASELINES",
    }
    assert list(BASELINES)[-1] == "silent"


def test_the_object_that_an_entry_names_is_part_of_the_identity(install: Install) -> None:
    files = {"rows.py": "def one(): ...\ndef two(): ...\n"}
    params = {"data": {"source": {"kind": "rows"}}}
    install("my-rows", files, {"trainshed.readers": {"rows": "rows:one"}})
    before = reached_modules("ingestion", params)
    install("my-rows", files, {"trainshed.readers": {"rows": "rows:two"}})
    after = reached_modules("ingestion", params)
    assert {name for name in before if before[name] != after[name]} == {"pipeline.corpus.readers.READERS"}


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
        lambda: reached_modules("evaluation", SUMMARIES, task_parts=("scoring",)),
    ):
        with pytest.raises(BadInput) as error:
            use()
        assert str(error.value).startswith(words)


def test_a_package_that_cannot_be_imported_is_named(install: Install) -> None:
    install("my-broken", {"broken.py": "import nothing_of_this_name\n"}, {"trainshed.baselines": {"x": "broken:x", "y": "missing:y"}})
    with pytest.raises(BadInput, match="baseline 'x' of package my-broken cannot be imported: No module named 'nothing_of_this_name'"):
        BASELINES.load("x")
    with pytest.raises(BadInput, match=r"trainshed\.baselines y of package my-broken is missing:y; expected a module with Python source"):
        reached_modules("evaluation", SUMMARIES, task_parts=("scoring",))


def test_a_table_without_a_group_takes_no_entries(install: Install) -> None:
    install("my-a", {}, {"trainshed.components": {"x": "a:b"}})
    table = Table("component", None, {"a": "a:A"})
    assert dict(table) == {"a": "a:A"}
    with pytest.raises(BadInput, match="unknown component 'x'"):
        table.load("x")


RHYMES = {
    "rhymes/__init__.py": "",
    "rhymes/section.py": """
        from typing import Literal
        from pipeline.lookup import Table
        from pipeline.tasks.section import WrittenAnswer

        PARTS = Table("part of task rhyming", None, {"examples": "rhymes.examples:Examples", "scoring": "rhymes.scoring:Scoring"})

        class Rhyming(WrittenAnswer):
            kind: Literal["rhyming"]

            @classmethod
            def parts(cls):
                return PARTS
        """,
    "rhymes/examples.py": "class Examples:\n    def __init__(self, task):\n        self.task = task\n",
    "rhymes/scoring.py": """
        from pipeline.evaluation import scoring

        def Scoring(task):
            return scoring.Scoring("text", ("rougeL",), "rougeL", (), (), lambda document: document.target)
        """,
}
RHYMES_ENTRIES = {"trainshed.tasks": {"rhyming": "rhymes.section:Rhyming"}}

USE_TASK = """
import sys
from pathlib import Path
from fixtures.line import small_recipe
from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.lines import trace
from pipeline.recipe.recipe import check_recipe
from pipeline.tasks.parts import part

data = small_recipe(Path(sys.argv[1])).model_dump(mode="json", exclude_none=True)
recipe = check_recipe({**data, "task": {"kind": "rhyming", "max_source_tokens": 40}}, "mine.yaml")
ingestion = trace(recipe)[0]
parts = fingerprint_parts(ingestion.component, ingestion.params, {})
print(part(recipe.task, "examples").task.max_source_tokens, sorted(name for name in parts.modules if "rhym" in name))
print(parts.fingerprint)
"""


def test_a_task_of_a_package_has_its_section_and_parts(tmp_path: Path) -> None:
    """In processes of their own: the recipe's classes are made when they are imported."""
    site = write_package(tmp_path / "site", "our-rhymes", RHYMES, RHYMES_ENTRIES)

    def use() -> list[str]:
        path = os.pathsep.join([str(site), str(HOME), str(HOME / "tests")])
        done = subprocess.run(
            [sys.executable, "-c", USE_TASK, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    said, before = use()
    assert said == "40 ['rhymes', 'rhymes.examples', 'rhymes.section.PARTS']"
    (site / "rhymes/scoring.py").write_text((site / "rhymes/scoring.py").read_text() + "CHANGED = True\n")
    (site / "rhymes/section.py").write_text(
        (site / "rhymes/section.py").read_text().replace("@classmethod", "added: int | None = None\n\n    @classmethod")
    )
    assert use() == [said, before]
    (site / "rhymes/examples.py").write_text(RHYMES["rhymes/examples.py"] + "CHANGED = True\n")
    assert use()[1] != before


SHOUTS = {
    "shouts/__init__.py": "",
    "shouts/block.py": """
        from typing import Literal
        from pipeline.corpus.cleaning.base import FilterBlock, Verdict
        from shouts import rule

        class Shouts(FilterBlock):
            kind: Literal["shouts"]
            most: int

            def start(self, home):
                return self

            def judge(self, found):
                return Verdict("shouts" if rule.capitals(found.text) > self.most else None)
        """,
    "shouts/rule.py": "def capitals(text):\n    return sum(map(str.isupper, text))\n",
}

USE_BLOCK = """
import sys
from pathlib import Path
from fixtures.cleaned import cleaner
from fixtures.line import small_recipe
from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.corpus.documents import Record
from pipeline.errors import BadInput
from pipeline.lines import trace
from pipeline.recipe.recipe import check_recipe
from pipeline.tasks.parts import part

data = small_recipe(Path(sys.argv[1])).model_dump(mode="json", exclude_none=True)
def recipe(*blocks):
    return check_recipe({**data, "data": {**data["data"], "cleaning": list(blocks)}}, "mine.yaml")
mine = recipe({"kind": "shouts", "most": 3})
print(cleaner(*mine.data.cleaning).documents(Record("LOUD text that is long enough"), part(mine.task, "examples")))
def parts(recipe):
    return fingerprint_parts(trace(recipe)[0].component, trace(recipe)[0].params, {})
print(sorted(name for name in parts(mine).modules if "shouts" in name), [name for name in parts(recipe("gopher")).modules if "shouts" in name])
for wrong in ({"kind": "shouts", "least": 3}, {"kind": "shout", "most": 3}):
    try:
        recipe(wrong)
    except BadInput as error:
        print(error)
print(parts(mine).fingerprint)
"""


def test_a_cleaning_block_of_a_package_has_its_section_and_step(tmp_path: Path) -> None:
    """In processes of their own: the recipe's classes are made when they are imported."""
    site = write_package(tmp_path / "site", "our-shouts", SHOUTS, {"trainshed.cleaning": {"shouts": "shouts.block:Shouts"}})

    def use() -> list[str]:
        path = os.pathsep.join([str(site), str(HOME), str(HOME / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
        done = subprocess.run(
            [sys.executable, "-c", USE_BLOCK, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    outcome, modules, unknown, near, before = use()
    assert outcome == "shouts"
    assert modules == "['shouts', 'shouts.block', 'shouts.rule'] []"
    assert unknown.startswith("unknown field in mine.yaml: 'data.cleaning.0.least'")
    assert near.startswith("unknown data.cleaning.0.kind in mine.yaml: 'shout'; expected one of: ")
    assert near.endswith("fix: did you mean 'shouts'?")
    (site / "shouts/rule.py").write_text(SHOUTS["shouts/rule.py"] + "CHANGED = True\n")
    assert use()[-1] != before


def test_a_data_check_of_a_package_is_asked_and_identified(install: Install, tmp_path: Path) -> None:
    code = "def short(rule, looked):\n    return looked.facts.documents, 'few'\n"
    data = small_recipe(tmp_path).model_dump(mode="json", exclude_none=True)

    def recipe(*names: str) -> Recipe:
        rules = [{"rule": name, "min": 5, "of": "x" if name == "short" else None} for name in names]
        return check_recipe({**data, "data": {**data["data"], "checks": {"rules": rules}}}, "mine.yaml")

    with pytest.raises(BadInput, match=r"unknown data\.checks\.rules\.rule in mine\.yaml: 'short'"):
        recipe("short")
    before = identity(recipe("documents"), "data_check")
    site = install("our-rules", {"short_rule.py": code}, {"trainshed.data_rules": {"short": "short_rule:short"}})
    assert identity(recipe("documents"), "data_check") == before
    with pytest.raises(BadInput, match="did you mean 'short'"):
        recipe("shorts")
    mine = recipe("documents", "short")
    folder = write_corpus(tmp_path / "corpus", {"train": [("", "A text.", None)]})
    assert mine.data.checks
    found = ask(mine.data.checks.rules, Looked(folder, {}, read_facts(folder)))
    assert [(one.rule, one.value, one.met) for one in found] == [("documents", "1", False), ("short of x", "few", False)]
    first = identity(mine, "data_check")
    assert "short_rule" in first.modules
    (site / "short_rule.py").write_text(code + "CHANGED = True\n")
    assert identity(mine, "data_check").fingerprint != first.fingerprint


def test_plan_and_container_agree_only_if_both_have_the_package(tmp_path: Path, mlflow_server: Server, install: Install) -> None:
    """The package is on the import path of this process, which plans, and of the component's process, or of the first one alone."""
    files = {name: text.replace("verses", "stanzas") for name, text in VERSES.items()} | {"verses/heavy.py": ""}
    files = {name.replace("verses", "stanzas"): text for name, text in files.items()}
    entries = {"trainshed.sources": {"stanzas": "stanzas.pins:pin"}, "trainshed.readers": {"stanzas": "stanzas.reading.reader:read"}}
    site = install("my-stanzas", files, entries)
    settings = Settings(store=f"file://{tmp_path}/store", state=tmp_path / "state", mlflow_uri=mlflow_server.uri)
    prepared = prepare_step(recipe_of(tmp_path, "stanzas"), "mine-1", "ingestion", settings, {})
    variables = {"TRAINSHED_STORE": settings.store, "TRAINSHED_STATE": str(settings.state), "MLFLOW_TRACKING_URI": mlflow_server.uri}

    def run(*path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "components.ingestion", "--request", prepared.request_uri],
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(map(str, path))}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    without = run(HOME)
    assert without.returncode == 2
    assert "code or libraries here give ingestion the fingerprint" in without.stderr
    done = run(HOME, site)
    assert done.returncode == 0, done.stderr
    assert open_artifacts(settings).find("ingestion", prepared.request.fingerprint).counts["read"] == 40


@pytest.mark.parametrize("group", extension_points.TABLES)
def test_each_table_takes_entries_of_packages(install: Install, group: str) -> None:
    module = f"mine_{group.partition('.')[2]}"
    install("my-entries", {f"{module}.py": "MINE = 42\n"}, {group: {"mine": f"{module}:MINE"}})
    table = extension_points.table(group)
    assert table.group == group
    assert table.load("mine") == 42
    assert list(table)[-1] == "mine"


def test_the_page_lists_every_group() -> None:
    page = (HOME / "docs" / "extending.md").read_text()
    assert set(re.findall(r"`(trainshed\.\w+)`", page)) == extension_points.TABLES.keys()
