"""The recipe's ``data.cleaning`` section: the sections of cleaning blocks, each chosen by ``kind``, and what they must satisfy together.

The classes are found through the table of the group ``trainshed.cleaning``, so the recipe names no block. They are pydantic only and import in
a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import BeforeValidator, Field

from pipeline.extension_points import table

if TYPE_CHECKING:
    from pipeline.corpus.cleaning.base import Block as CleaningBlock
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe
else:
    BLOCKS = table("trainshed.cleaning")
    CleaningBlock = Annotated[
        Union[tuple(BLOCKS.load(kind) for kind in BLOCKS)],  # noqa: UP007 - of a tuple
        Field(discriminator="kind"),
    ]


def _named(block: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    """A name alone stands for the block without settings."""
    return {"kind": block} if isinstance(block, str) else block


Cleaning = Annotated[tuple[Annotated[CleaningBlock, BeforeValidator(_named)], ...], Field(min_length=1)]
"""The blocks of a recipe, in their order."""


def cleaning_problem(recipe: Recipe) -> Problem:
    """What is wrong with ``data.cleaning`` and ``data.filter.too_long``, what is valid, and what to do; None if nothing is."""
    rules, task = recipe.data.filter, recipe.task
    if rules.too_long in {"cut", "split"} and not task.divisible:
        got = f"data.filter.too_long {rules.too_long!r} with task.kind {task.kind!r}, whose answers belong to whole texts"
        return got, "drop", "remove data.filter.too_long"
    if rules.too_long == "split" and rules.max_chars < 2 * rules.min_chars:
        got = f"data.filter.too_long 'split' with max_chars {rules.max_chars} and min_chars {rules.min_chars}"
        return got, "max_chars at least twice min_chars", "change one of them"
    keeps = rules.whitespace == "keep" or (rules.whitespace == "auto" and not task.prose)
    seen: set[str] = set()
    for place, block in enumerate(recipe.data.cleaning or ()):
        where = f"data.cleaning.{place} ({block.kind})"
        if block.kind in seen:
            return f"data.cleaning names {block.kind!r} twice", "each block once", "join the two"
        seen.add(block.kind)
        if block.prose_only and keeps:
            got = f"{where} removes lines, but data.filter.whitespace {rules.whitespace!r} keeps them for task.kind {task.kind!r}"
            return got, "whitespace: collapse, or no such block", "change one of them"
        problem = block.problem()
        if problem:
            got, expected, fix = problem
            return f"{where}: {got}", expected, fix
    return None
