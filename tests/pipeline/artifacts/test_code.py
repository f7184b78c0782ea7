"""What counts as a change of code, and for which step."""

from pathlib import Path

import pytest

from pipeline.artifacts.code import reached_modules
from pipeline.file_cache import FileCache

READERS = """READERS = Table(
    "reader", "trainshed.readers", {"a": "pipeline.corpus.readers.a:A", "b": "pipeline.corpus.readers.b:B"}
)
"""
FILES = {
    "components/ingestion/__main__.py": "from pipeline.corpus.ingest import ingest\nfrom pipeline.artifacts import store\n",
    "components/tokenization/__main__.py": "def body():\n    from pipeline.tokens.train import train\n",
    "pipeline/__init__.py": "",
    "pipeline/artifacts/__init__.py": "store = 1\n",
    "pipeline/corpus/__init__.py": '"""Corpus."""\n',
    "pipeline/corpus/ingest.py": (
        "from typing import TYPE_CHECKING\nfrom pipeline.corpus.readers import READERS\n"
        'if TYPE_CHECKING:\n    from pipeline.tokens import train\n\n\ndef ingest():\n    """Ingest."""\n    return 1\n'
    ),
    "pipeline/corpus/readers/__init__.py": READERS,
    "pipeline/corpus/readers/a.py": "from pipeline.sources.listing import L\nA = 1\n",
    "pipeline/corpus/readers/b.py": "from . import shared\nB = 2\n",
    "pipeline/corpus/readers/shared.py": "S = 3\n",
    "pipeline/sources/__init__.py": "",
    "pipeline/sources/listing.py": "L = 1\n",
    "pipeline/tokens/__init__.py": "",
    "pipeline/tokens/train.py": "def train():\n    return 2\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def edit(tree: Path, name: str, old: str, new: str) -> None:
    path = tree / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def ingestion(tree: Path, kind: str = "a") -> dict[str, str]:
    return reached_modules("ingestion", {"data": {"source": {"kind": kind, "columns": {"text": "b"}}}}, tree)


def test_reaches_through_functions_packages_and_relative_imports(tree: Path) -> None:
    assert set(ingestion(tree, "b")) == {
        "components.ingestion.__main__", "pipeline.corpus", "pipeline.corpus.ingest",
        "pipeline.corpus.readers", "pipeline.corpus.readers.READERS", "pipeline.corpus.readers.b", "pipeline.corpus.readers.shared",
    }  # fmt: skip
    assert "pipeline.tokens.train" in reached_modules("tokenization", {}, tree)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pipeline/corpus/ingest.py", "return 1", "return 1  # a comment"),
        ("pipeline/corpus/ingest.py", "return 1", "return (\n        1\n    )"),
        ("pipeline/corpus/ingest.py", "Ingest.", "Ingest, told otherwise."),
        ("pipeline/artifacts/__init__.py", "store = 1", "store = 2"),
        ("pipeline/tokens/train.py", "return 2", "return 3"),
        ("pipeline/corpus/readers/b.py", "B = 2", "B = 3"),
        ("pipeline/corpus/readers/__init__.py", '"b":', '"c": "pipeline.corpus.readers.c:C", "b":'),
    ],
    ids=["comment", "formatting", "docstring", "plumbing", "another step", "entry not selected", "entry added"],
)
def test_what_cannot_change_the_result_changes_nothing(tree: Path, name: str, old: str, new: str) -> None:
    before = ingestion(tree)
    edit(tree, name, old, new)
    assert ingestion(tree) == before


@pytest.mark.parametrize(
    ("name", "old", "new", "module"),
    [
        ("pipeline/corpus/ingest.py", "return 1", "return 2", "pipeline.corpus.ingest"),
        ("pipeline/corpus/readers/a.py", "A = 1", "A = 2", "pipeline.corpus.readers.a"),
        ("components/ingestion/__main__.py", "import store\n", "import store\nX = 1\n", "components.ingestion.__main__"),
    ],
)
def test_a_real_edit_changes_the_digest_of_its_module_only(tree: Path, name: str, old: str, new: str, module: str) -> None:
    before = ingestion(tree)
    edit(tree, name, old, new)
    after = ingestion(tree)
    assert [key for key in before if before[key] != after[key]] == [module]


def test_a_string_elsewhere_in_the_params_selects_nothing(tree: Path) -> None:
    """The default column is called ``text``, and so is a kind of source."""
    assert "pipeline.corpus.readers.a" in ingestion(tree)
    assert "pipeline.corpus.readers.b" not in ingestion(tree)


def test_what_reads_sources_counts(tree: Path) -> None:
    before = ingestion(tree)
    edit(tree, "pipeline/sources/listing.py", "L = 1", "L = 2")
    after = ingestion(tree)
    assert [key for key in before if before[key] != after[key]] == ["pipeline.sources.listing"]


def test_the_params_of_inputs_select_what_the_own_params_do_not_name(tree: Path) -> None:
    given = {"data": {"source": {"kind": "b"}}}
    assert "pipeline.corpus.readers.a" not in reached_modules("ingestion", {}, tree, input_params=[{"x": None}, given])
    own = {"data": {"source": {"kind": "a"}}}
    assert "pipeline.corpus.readers.b" not in reached_modules("ingestion", own, tree, input_params=[given])


def test_a_plain_dictionary_of_places_counts_whole(tree: Path) -> None:
    edit(tree, "pipeline/corpus/readers/__init__.py", 'Table(\n    "reader", "trainshed.readers", {', "({")
    assert {"pipeline.corpus.readers.a", "pipeline.corpus.readers.b"} <= set(ingestion(tree, "a"))


def test_a_table_the_params_name_nothing_of_counts_whole(tree: Path) -> None:
    reached = reached_modules("ingestion", {"data": {"source": {}}}, tree)
    assert {"pipeline.corpus.readers.a", "pipeline.corpus.readers.b"} <= set(reached)


def test_a_name_that_is_not_in_the_table_selects_none_of_its_entries(tree: Path) -> None:
    assert not {"pipeline.corpus.readers.a", "pipeline.corpus.readers.b"} & set(ingestion(tree, "unknown"))


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("from pipeline.corpus.readers.shared import S\n", False),
        ("from pipeline.corpus.readers import READERS\n", True),
        ("from pipeline.corpus import readers\nprint(readers.READERS)\n", True),
        ("import pipeline.corpus.readers\nprint(pipeline.corpus.readers.READERS)\n", True),
        ("from pipeline.corpus.readers import find\n", True),
    ],
    ids=["another module", "name", "attribute", "dotted attribute", "function of its module"],
)
def test_a_table_counts_whole_only_where_it_is_used(tree: Path, body: str, counts: bool) -> None:
    (tree / "components/tokenization/__main__.py").write_text(body)
    if "find" in body:
        with (tree / "pipeline/corpus/readers/__init__.py").open("a") as file:
            file.write("\n\ndef find(name):\n    return READERS.load(name)\n")
    reached = reached_modules("tokenization", {}, tree)
    assert "pipeline.corpus.readers" in reached
    assert ({"pipeline.corpus.readers.READERS", "pipeline.corpus.readers.a"} <= reached.keys()) is counts
    # a table whose entry the params name counts in any case
    assert "pipeline.corpus.readers.b" in reached_modules("tokenization", {"data": {"source": {"kind": "b"}}}, tree)


@pytest.mark.parametrize(
    ("old", "new"), [("readers.a:A", "readers.a:Other"), ('"a": "pipeline.corpus.readers.a:A", ', "")], ids=["object", "order"]
)
def test_the_order_and_the_objects_of_a_table_count(tree: Path, old: str, new: str) -> None:
    before = reached_modules("ingestion", {}, tree)
    edit(tree, "pipeline/corpus/readers/__init__.py", old, new)
    if not new:
        edit(tree, "pipeline/corpus/readers/__init__.py", "b:B", 'b:B", "a": "pipeline.corpus.readers.a:A')
    after = reached_modules("ingestion", {}, tree)
    assert [key for key in before if before[key] != after[key]] == ["pipeline.corpus.readers.READERS"]


def test_a_cached_table_counts_as_its_source_does(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tree / "pipeline/corpus/readers/__init__.py"
    table.write_text('READERS = Table("reader", None, {"b": "pipeline.corpus.readers.b:B", "a": "pipeline.corpus.readers.a:A"})\n')
    monkeypatch.setattr("pipeline.file_cache.STILL_NS", -1)  # facts about files written just now are stored too
    fresh = reached_modules("ingestion", {}, tree)
    for _ in range(2):
        cache = FileCache(tmp_path / "cache.json")
        assert reached_modules("ingestion", {}, tree, cache) == fresh
        cache.save()
