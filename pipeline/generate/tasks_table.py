"""The table of tasks in ``docs/recipes.md``: what each reads, how it is scored, and what a served model takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pipeline.extension_points import table
from pipeline.recipe.starting_values import example_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.tasks.section import TaskSection

HEAD = ("`task`", "what the model does", "models", "metrics, the primary one first", "baselines", "served")


def task_rows() -> list[tuple[str, ...]]:
    """One row for each kind; a choice of the section that changes how it is scored or served has a row for each value."""
    rows: list[tuple[str, ...]] = []
    for kind in table("trainshed.tasks"):
        seen: set[tuple[str, ...]] = set()
        for choice, section in _choices(kind):
            row = _row(section)
            if row not in seen:
                seen.add(row)
                rows.append((f"`{kind}`" + (f", `{choice}`" if choice else ""), *row))
    return rows


def _choices(kind: str) -> Iterator[tuple[str, TaskSection]]:
    """The section with its defaults, then with each other value of a field that takes one of several texts."""
    plain = example_task(kind)
    yield "", plain
    for field, info in type(plain).model_fields.items():
        options = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
        for option in options:
            if option != getattr(plain, field):
                yield f"{field}: {option}", example_task(kind, **{field: option})


def _row(section: TaskSection) -> tuple[str, ...]:
    """The cells of a section, without its name."""
    parts = section.parts()
    scoring, serving = parts.load("scoring")(section), parts.load("serving")(section)
    return (
        (section.__doc__ or "").splitlines()[0],
        ", ".join(kind.value.replace("_", "-") for kind in section.kinds()),
        _code(scoring.metrics),
        _code(scoring.baselines),
        f"{_columns(serving.inputs)} → {_columns(serving.outputs)}",
    )


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _columns(columns: Iterable[Any]) -> str:
    """The names of columns; one that may be missing has a question mark."""
    return ", ".join(f"`{column.name}`" + ("" if column.required else "?") for column in columns)
