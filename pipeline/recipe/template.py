"""A new recipe as YAML with comments: the docstring of each field above it.

Of the sections that decide most (`FULL`, and pretraining where it is the last training), every field is shown; one that has its default is commented out, without a blank after the
``#``. Of the other sections only fields with a value are shown.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any, get_args

import yaml

from pipeline.recipe.recipe import Recipe, check_recipe
from pipeline.recipe.starting_values import example_task, starting_values
from pipeline.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

FULL = ("task", "model", "finetuning")
WIDTH = 120
MARKUP = re.compile(r"`+")


def new_recipe(name: str, kind: str, family: str | None = None, start: str | None = None) -> str:
    """The text of a new recipe.

    Args:
        name: of the recipe and its DAG.
        kind: of its task.
        family: of a new model; None takes a small one that can do the task.
        start: given weights, in the place of a family.

    Raises:
        BadInput: no such kind or family, or they do not fit together.
    """
    task = example_task(kind)
    section = type(task)
    values = starting_values(name, task, family, start)
    values["task"] = task.model_dump(mode="json", exclude_unset=True)
    check_recipe(values, f"{name}.yaml")
    lines = [
        f"# {section.__doc__.splitlines()[0]}" if section.__doc__ else "",
        "# A commented field has the value shown. docs/recipes.md says how to choose.",
    ]
    for field, info in Recipe.model_fields.items():
        if field in values:
            lines += ["", *_comment(info)] if isinstance(values[field], dict) else _comment(info)
            full = field in FULL or (field == "pretraining" and "finetuning" not in values)
            lines += _field(field, values[field], section if field == "task" else _section(info), full=full)
    return "\n".join(lines) + "\n"


def _field(name: str, value: Any, section: type[Section] | None, *, full: bool) -> Iterator[str]:  # noqa: ANN401 - any YAML value
    """The lines of one field that has a value."""
    if section is None:
        yield f"{name}: {_scalar(value)}"
        return
    yield f"{name}:"
    for line in _fields(section, value, full=full):
        yield f"  {line}"


def _fields(section: type[Section], values: Mapping[str, Any], *, full: bool) -> Iterator[str]:
    """The lines of a section's fields."""
    for name, info in section.model_fields.items():
        if name not in values and not full:
            continue
        yield from _comment(info)
        inner = _section(info)
        if name in values:
            yield from _field(name, values[name], inner, full=full)
        elif inner is None:
            yield f"#{name}: {_scalar(info.get_default(call_default_factory=True))}"
        else:
            yield f"#{name}:"
            for line in _fields(inner, {}, full=True):
                yield f"#  {line.removeprefix('#') if line.startswith('#') and not line.startswith('# ') else line}"


def _comment(info: FieldInfo) -> list[str]:
    """A field's docstring as comments."""
    text = MARKUP.sub("", info.description or "")
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH)]


def _section(info: FieldInfo) -> type[Section] | None:
    """The section that a field holds; None for a plain value."""
    found = [one for one in (info.annotation, *get_args(info.annotation)) if isinstance(one, type) and issubclass(one, Section)]
    return found[0] if found else None


def _scalar(value: Any) -> str:  # noqa: ANN401 - any YAML value
    """A value on one line."""
    if isinstance(value, Section):
        value = value.model_dump(mode="json")
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, str) and not value:
        return '""'
    dumped = yaml.safe_dump(json.loads(json.dumps(value)), default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return dumped.removesuffix("...\n").strip()
