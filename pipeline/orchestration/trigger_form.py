"""The trigger form: every leaf of a recipe as an Airflow Param, so that one run may differ from the file.

A Param is named by its place in the recipe (``finetuning.learning_rate``), and carries the recipe's value, the field's
docstring and the limits pydantic knows, so Airflow refuses a wrong value before a run begins. Airflow lets values through that
no Param knows; the plan task refuses those with the near name.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from pipeline.recipe import Section
from pipeline.runs.names import FORCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.recipe import Recipe

SHOWN = ("data", "tokenizer", "model", "pretraining", "finetuning", "evaluation", "registration", "resources")
LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "enum", "items")


def form(recipe: Recipe, steps: Sequence[str]) -> dict[str, Param]:
    """The Params of a recipe's DAG.

    Args:
        recipe: where the defaults come from.
        steps: ids of the steps, offered for ``force``.
    """
    sections = ((name, getattr(recipe, name)) for name in SHOWN)
    params = {name: param for section, value in sections if value is not None for name, param in _leaves(value, section, section)}
    params[FORCE] = Param(
        [],
        type=["array", "null"],
        items={"type": "string", "enum": list(steps)},
        examples=list(steps),
        title="force",
        section="run",
        description="Steps to run although their artifact exists.",
    )
    return params


def overrides(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says about the recipe."""
    return {name: value for name, value in params.items() if name != FORCE}


def forced(params: Mapping[str, Any]) -> frozenset[str]:
    """Steps the form asks to run in any case."""
    return frozenset(params.get(FORCE) or ())


def _leaves(section: Section, place: str, top: str) -> Iterator[tuple[str, Param]]:
    schema = _properties(type(section))
    values = section.model_dump(mode="json")
    for name in type(section).model_fields:
        inner = getattr(section, name)
        dotted = f"{place}.{name}"
        if isinstance(inner, Section):
            yield from _leaves(inner, dotted, top)
        else:
            title = dotted.removeprefix(f"{top}.")
            yield dotted, Param(values[name], description=schema[name].get("description"), title=title, section=top, **_rules(schema[name]))


@cache
def _properties(section: type[Section]) -> dict[str, Any]:
    """What pydantic says about the fields; a few milliseconds each, and every task parses its DAG again."""
    properties: dict[str, Any] = section.model_json_schema()["properties"]
    return properties


def _rules(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a JSON schema that Airflow checks and its form understands: no ``anyOf``, types as a list instead."""
    options = schema.get("anyOf", [schema])
    kinds = [option["type"] for option in options]
    limits = {key: option[key] for option in options for key in LIMITS if key in option}
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **limits}
