"""What several sources must satisfy together, and how a check of one source is applied to each of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.recipe.data import Source
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe

    Check = Callable[[Recipe], Problem]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""A name of a source: it is part of names of counts."""


def sources_problem(recipe: Recipe) -> Problem:
    """What is wrong with the sources of a recipe, what is valid, and what to do; None if nothing is."""
    data = recipe.data
    if (data.source is None) == (data.sources is None):
        got = "data has both source and sources" if data.source else "data has neither source nor sources"
        return got, "source for one, sources for several with names", "keep one of them" if data.source else "add data.source"
    if data.sources is not None and not data.sources:
        return "data.sources is empty", "a mapping from a name to a source", "add a source, or write data.source"
    for name in data.sources or ():
        if not NAME.fullmatch(name):
            got = f"data.sources has the name {name!r}"
            return got, "lower-case letters, digits, '-' and '_', at most 40", "rename the source"
    return _same_data(recipe) or _partitions(recipe) or _rules(recipe)


def for_each(check: Check) -> Check:
    """A check that every source has to pass by itself."""

    def checked(recipe: Recipe) -> Problem:
        return next((found for found in _found(check, recipe) if found), None)

    return checked


def for_some(check: Check) -> Check:
    """A check that one source has to pass: others may be without, e.g. texts for pretraining without a target."""

    def checked(recipe: Recipe) -> Problem:
        found = list(_found(check, recipe))
        return found[0] if all(found) else None

    return checked


def _found(check: Check, recipe: Recipe) -> Iterator[Problem]:
    for part in recipe.data.parts:
        yield part.problem(check(recipe.model_copy(update={"data": recipe.data.of(part)})))


def _rules(recipe: Recipe) -> Problem:
    """Rules about a corpus that name a source."""
    names = [part.name for part in recipe.data.parts if part.name]
    for place, rule in enumerate(recipe.data.checks.rules if recipe.data.checks else ()):
        if rule.rule == "source" and rule.of not in names:
            got = f"data.checks.rules.{place} names the source {rule.of!r}, which data.sources does not have"
            return got, f"one of: {', '.join(names)}" if names else "data.sources", "correct the rule"
    return None


def _same_data(recipe: Recipe) -> Problem:
    """One place that two sources read: all that the second one has would be duplicates."""
    seen: dict[tuple[object, ...], str] = {}
    for part in recipe.data.parts:
        place = _place(part.source)
        if place in seen:
            what = next(
                f"{field} {value!r}"
                for field, value in (
                    ("path", part.source.path),
                    ("query", part.source.query),
                    ("table", part.source.table),
                    ("packages", list(part.source.packages)),
                )
                if value is not None
            )
            return f"{seen[place]} and {part.field} have the same {what}", "another place for each source", "remove one of them"
        seen[place] = part.field
    return None


def same_place(one: Source, other: Source) -> bool:
    """Whether two sources read the same."""
    return _place(one) == _place(other)


def _place(source: Source) -> tuple[object, ...]:
    """What a source reads; a path with and without ``./`` and slashes at its end is the same."""
    path = (source.path or "").rstrip("/").removeprefix("./")
    rows = (source.url_from, source.query, source.table, source.revision, source.config, source.split)
    return source.kind, path, tuple(sorted(source.packages)), *rows


def _partitions(recipe: Recipe) -> Problem:
    """A run reads one partition, so it has to be one of all divided sources."""
    divided = [(part.field, part.source.partitions.by) for part in recipe.data.parts if part.source.partitions]
    other = next((each for each in divided if each[1] != divided[0][1]), None)
    if other is None:
        return None
    got = f"{other[0]}.partitions.by is {other[1]!r}, and {divided[0][0]}.partitions.by is {divided[0][1]!r}"
    return got, "the same for all sources: a run reads one partition", "change one of them"
