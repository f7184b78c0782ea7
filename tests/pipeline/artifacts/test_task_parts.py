"""Which parts of a task count for which step, and what of a task's section does."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from components import COMPONENTS
from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.artifacts.code_digest import params_with_every_name

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "components/ingestion/__main__.py": "from pipeline.tasks.parts import part\n\n\ndef body(work):\n    part(work.task, 'examples')\n",
    "components/evaluation/__main__.py": "from pipeline.tasks.parts import part\n\n\ndef body(work):\n    part(work.task, 'metrics')\n",
    "pipeline/tasks/__init__.py": 'TASKS = Table("task", "trainshed.tasks", {"a": "pipeline.tasks.a.section:A", "b": "pipeline.tasks.b.section:B"})\n',
    "pipeline/tasks/parts.py": "def part(task, name):\n    return task.parts().load(name)(task)\n",
    "pipeline/metrics/__init__.py": "",
    "pipeline/metrics/accuracy.py": "ACCURACY = 1\n",
}
for _task in ("a", "b"):
    FILES |= {
        f"pipeline/tasks/{_task}/__init__.py": "",
        f"pipeline/tasks/{_task}/section.py": (
            f'PARTS = Table("part", None, {{"examples": "pipeline.tasks.{_task}.examples:E", "metrics": "pipeline.tasks.{_task}.metrics:M"}})\n'
            f"\n\nclass {_task.upper()}:\n    limit: int = 1\n\n    def parts(self):\n        return PARTS\n"
        ),
        f"pipeline/tasks/{_task}/examples.py": "E = 1\n",
        f"pipeline/tasks/{_task}/metrics.py": "from pipeline.metrics.accuracy import ACCURACY\nM = 1\n",
    }

USED = {"ingestion": ("examples",), "evaluation": ("metrics",)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def modules(tree: Path, stage: str, kind: str = "a") -> dict[str, str]:
    return reached_modules(stage, {"task": {"kind": kind}}, tree, task_parts=USED[stage])


def changed(tree: Path, name: str, old: str, new: str) -> set[str]:
    """The steps whose code part changes by an edit."""
    before = {stage: modules(tree, stage) for stage in USED}
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new))
    return {stage for stage in USED if modules(tree, stage) != before[stage]}


def test_a_step_reaches_the_parts_that_its_contract_names(tree: Path) -> None:
    reached = {name for name in modules(tree, "ingestion") if name.startswith("pipeline.tasks.")}
    assert reached == {
        "pipeline.tasks.TASKS", "pipeline.tasks.parts",
        "pipeline.tasks.a", "pipeline.tasks.a.section.PARTS", "pipeline.tasks.a.examples",
    }  # fmt: skip
    assert "pipeline.metrics.accuracy" in modules(tree, "evaluation")
    assert not {"pipeline.tasks.a.examples", "pipeline.tasks.b"} & modules(tree, "evaluation").keys()


@pytest.mark.parametrize(
    ("name", "old", "new", "steps"),
    [
        ("pipeline/tasks/a/metrics.py", "M = 1", "M = 2", {"evaluation"}),
        ("pipeline/metrics/accuracy.py", "= 1", "= 2", {"evaluation"}),
        ("pipeline/tasks/a/examples.py", "E = 1", "E = 2", {"ingestion"}),
        ("pipeline/tasks/a/section.py", "examples:E", "examples:Other", {"ingestion"}),
        ("pipeline/tasks/parts.py", "return", "found =", {"ingestion", "evaluation"}),
        ("pipeline/tasks/a/section.py", "limit: int = 1", "limit: int = 1\n    added: int | None = None", set()),
        ("pipeline/tasks/a/section.py", '{"examples"', '{"serving": "pipeline.tasks.a.serving:S", "examples"', set()),
        ("pipeline/tasks/b/examples.py", "E = 1", "E = 2", set()),
        ("pipeline/tasks/__init__.py", '{"a"', '{"c": "pipeline.tasks.c.section:C", "a"', set()),
    ],
    ids=["metrics", "a metric", "examples", "other object", "shared code", "new field", "new part", "another task", "new task"],
)
def test_an_edit_of_a_task_changes_the_steps_that_use_it(tree: Path, name: str, old: str, new: str, steps: set[str]) -> None:
    assert changed(tree, name, old, new) == steps


def test_the_kind_of_task_may_come_from_the_params_of_an_input(tree: Path) -> None:
    given = [{"task": {"kind": "b"}}]
    reached = reached_modules("evaluation", {}, tree, input_params=given, task_parts=("metrics",))
    assert "pipeline.tasks.b.metrics" in reached
    assert "pipeline.tasks.a.metrics" not in reached


def test_a_step_that_takes_no_task_reaches_none(tree: Path) -> None:
    reached = reached_modules("evaluation", {}, tree, task_parts=("metrics",))
    assert [name for name in reached if name.startswith("pipeline.tasks")] == ["pipeline.tasks", "pipeline.tasks.parts"]


def test_the_label_of_an_image_covers_all_tasks_that_a_step_may_be_given() -> None:
    parts = COMPONENTS.load("ingestion").task_parts
    reached = reached_modules("ingestion", params_with_every_name(), task_parts=parts)
    assert {f"pipeline.tasks.{kind}.section.PARTS" for kind in ("classification", "summarization")} <= reached.keys()
    assert {"pipeline.corpus.readers.jsonl_files", "pipeline.corpus.readers.pydocs"} <= reached.keys()


def parts_asked_for(tree: Path, stage: str, params: dict[str, Any], task_parts: tuple[str, ...]) -> set[str]:
    """The names of parts in the calls ``part(task, "name")`` of all modules that a body reaches."""
    found = set()
    for module in reached_modules(stage, params, tree, task_parts=task_parts):
        place = tree.joinpath(*module.split("."))
        # the row of a table has no file
        text = "".join(path.read_text() for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists())
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(func=ast.Name(id="part") | ast.Attribute(attr="part"), args=[_, ast.Constant(value=name)]):
                    found.add(name)
    return found


def test_a_contract_names_every_part_that_its_body_asks_for(tree: Path) -> None:
    assert parts_asked_for(tree, "ingestion", {"task": {"kind": ["a", "b"]}}, ("examples",)) == {"examples"}
    for stage in COMPONENTS:
        named = COMPONENTS.load(stage).task_parts_with(params_with_every_name())
        assert parts_asked_for(SOURCES, stage, params_with_every_name(), named) <= set(named), (
            f"components/{stage}/contract.py: add it to task_parts"
        )
