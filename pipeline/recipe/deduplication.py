"""Which duplicates leave a corpus before it is divided: documents that are nearly equal, and lines and paragraphs that many documents have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.section import Section

if TYPE_CHECKING:
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe

FIELD = "data.deduplication"


class Deduplication(Section):
    """Near duplicates, e.g. two versions of a page; and what is repeated in many documents, e.g. a menu or a notice."""

    near: float | None = Field(0.8, ge=0.6, le=1)
    """Share of the runs of five words of two inputs, taken together, that both have; from it on they are near duplicates. ``null``: near duplicates stay."""

    keep: Literal["first", "all"] = "first"
    """What stays of a cluster of near duplicates, all in one split: its first document, or all of them that are in that split."""

    lines: int | None = Field(None, ge=2)
    """Lines that so many different documents have are removed from all texts. None: lines stay."""

    paragraphs: int | None = Field(None, ge=2)
    """The same for paragraphs: lines between blank ones."""

    @property
    def shortens(self) -> bool:
        """Whether texts lose lines or paragraphs."""
        return self.lines is not None or self.paragraphs is not None


def deduplication_problem(recipe: Recipe) -> Problem:
    """What is wrong with the section, if anything."""
    rules, task, whitespace = recipe.data.deduplication, recipe.task, recipe.data.filter.whitespace
    if rules is None:
        return None
    if rules.near is None and not rules.shortens:
        return f"{FIELD}.near null and neither lines nor paragraphs", "one of the three", f"set one, or remove {FIELD}"
    if not rules.shortens:
        return None
    field = f"{FIELD}.lines" if rules.lines is not None else f"{FIELD}.paragraphs"
    if not task.loses_lines:
        return (
            f"{field} with task.kind {task.kind!r}, whose answers belong to each word",
            "a task whose texts may lose lines",
            f"remove {field}",
        )
    if whitespace == "keep" or (whitespace == "auto" and not task.prose):
        got = f"{field} removes lines, but data.filter.whitespace {whitespace!r} keeps them for task.kind {task.kind!r}"
        return got, "whitespace: collapse, or no such rule", "change one of them"
    return None
