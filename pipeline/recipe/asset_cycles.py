"""Recipes that start each other by their Assets: every run of one would start a run of the other, for ever.

The Assets ``source`` and ``drift`` start no cycle: other DAGs update them, at their own times, and only after a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe.schedule import FROM_A_RUN, SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.recipe.recipe import Recipe


def asset_cycles(recipes: Iterable[Recipe]) -> dict[str, str]:
    """One line for each recipe that takes part in a cycle, by its name.

    Args:
        recipes: all recipes that Airflow knows.
    """
    starts = {recipe.name: _started_by(recipe) for recipe in recipes}
    lines = {}
    for name in starts:
        way = _way_back(name, starts)
        if way:
            shown = " → ".join(way)
            lines[name] = f"schedule.assets: recipes start each other for ever: {shown}; fix: remove one of these Assets"
    return lines


def _started_by(recipe: Recipe) -> tuple[str, ...]:
    """Names of the recipes whose runs start this one."""
    assets = recipe.schedule.assets if recipe.schedule else None
    ours = [uri.removeprefix(SCHEME).split("/") for uri in (assets.uris if assets else ()) if uri.startswith(SCHEME)]
    return tuple(dict.fromkeys(owner for owner, what in ours if what in FROM_A_RUN))


def _way_back(name: str, started_by: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The shortest way from a recipe to itself, in the direction of the starts; empty if there is none."""
    ways = [[name]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for earlier in started_by.get(way[0], ()):
            if earlier == name:
                return [name, *way]
            if earlier not in seen:
                seen.add(earlier)
                ways.append([earlier, *way])
    return []
