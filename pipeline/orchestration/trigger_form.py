"""The trigger form: one Airflow Param for each field of the recipe that a run may change.

A Param is named by its place in the recipe (``finetuning.learning_rate``). It carries the recipe's value, the field's docstring
and pydantic's limits, so Airflow refuses a wrong value before a run begins. Airflow accepts values that no Param names; the
plan task refuses those: unknown fields, and fields that only the recipe file may change (`pipeline.recipe.overrides`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from pipeline.recipe import Section
from pipeline.recipe.overrides import overridable
from pipeline.recipe.partitions import EXPECTED, PATTERNS
from pipeline.runs.names import FORCE, PARTITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.recipe.partitions import Partitions

RESOURCES = "resources"
LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "enum", "items")


def form(recipe: Recipe, steps: Sequence[Step]) -> dict[str, Param]:
    """The Params of a recipe's DAG: sections that its steps take as params, a machine size for each step, ``force``, and ``partition``.

    Args:
        recipe: where the defaults come from.
        steps: the steps of its line.
    """
    sections = dict.fromkeys(name for step in steps for name in type(step.params).model_fields if name in type(recipe).model_fields)
    params = {name: param for section in sections for name, param in _leaves(getattr(recipe, section), section, section)}
    params |= {f"{RESOURCES}.{step.id}": _size(recipe, step) for step in steps}
    names = [step.id for step in steps]
    params[FORCE] = Param(
        [],
        type=["array", "null"],
        items={"type": "string", "enum": names},
        examples=names,
        title="force",
        section="run",
        description="Steps to run although their artifact exists.",
    )
    if recipe.data.partitions and "data" in sections:
        params[PARTITION] = _partition(recipe.data.partitions)
    return params


def _partition(partitions: Partitions) -> Param:
    """Which partition the run reads; empty means the newest one that has ended."""
    return Param(
        None,
        type=["string", "null"],
        # with a format of dates, Airflow's form shows a calendar
        **({"format": "date"} if partitions.by in ("day", "week") else {"pattern": PATTERNS[partitions.by]}),
        title=PARTITION,
        section="run",
        description=f"Partition to train on: {EXPECTED[partitions.by]}. Empty: the newest one that has ended.",
    )


def _size(recipe: Recipe, step: Step) -> Param:
    """The machine size of one step; empty keeps the size of the contract."""
    return Param(
        recipe.resources.root.get(step.id),
        type=["string", "null"],
        title=step.id,
        section=RESOURCES,
        description=f"Machine size of {step.id}; empty means {step.component.resources}, the size in its contract.",
    )


def overrides(params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the recipe that the form holds, by dotted name."""
    return {name: value for name, value in params.items() if name not in (FORCE, PARTITION)}


def forced(params: Mapping[str, Any]) -> frozenset[str]:
    """Steps that run although their artifact exists."""
    return frozenset(params.get(FORCE) or ())


def partition(params: Mapping[str, Any]) -> str | None:
    """The partition that was asked for; None for the newest one that has ended."""
    return params.get(PARTITION) or None


def _leaves(section: Section, place: str, top: str) -> Iterator[tuple[str, Param]]:
    schema = _properties(type(section))
    values = section.model_dump(mode="json")
    for name in type(section).model_fields:
        inner = getattr(section, name)
        dotted = f"{place}.{name}"
        if isinstance(inner, Section):
            yield from _leaves(inner, dotted, top)
        elif overridable(dotted) and not _is_section(schema[name]):
            title = dotted.removeprefix(f"{top}.")
            yield dotted, Param(values[name], description=schema[name].get("description"), title=title, section=top, **_rules(schema[name]))


def _is_section(schema: Mapping[str, Any]) -> bool:
    """Whether a field holds a section that the recipe left out: a form has no fields for what is not there."""
    return any("$ref" in option for option in schema.get("anyOf", [schema]))


@cache
def _properties(section: type[Section]) -> dict[str, Any]:
    """JSON schema of the fields; cached because one takes a few milliseconds and every task parses its DAG again."""
    properties: dict[str, Any] = section.model_json_schema()["properties"]
    return properties


def _rules(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a JSON schema that Airflow checks and its form can show: a list of types in place of ``anyOf``."""
    options = schema.get("anyOf", [schema])
    kinds = [option["type"] for option in options]
    limits = {key: option[key] for option in options for key in LIMITS if key in option}
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **limits}
