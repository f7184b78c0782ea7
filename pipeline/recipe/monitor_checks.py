"""Check that the monitor of a recipe can find something, and that it cannot start retrainings without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe.schedule import asset_uri

if TYPE_CHECKING:
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe


def monitor_problem(recipe: Recipe) -> Problem:
    """What is wrong with the section, if anything."""
    monitor, schedule = recipe.monitor, recipe.schedule
    uri = asset_uri(f"{recipe.name}/drift")
    starts_itself = schedule is not None and schedule.assets is not None and uri in schedule.assets.uris
    if monitor is None:
        return (
            (f"the schedule has {uri}, which nothing updates", "a section monitor", "add it, or change the schedule")
            if starts_itself
            else None
        )
    if monitor.drift is None and monitor.data_days is None and monitor.champion_days is None:
        return "monitor looks at nothing", "drift, data_days or champion_days", "add one of them, or remove monitor"
    if monitor.drift and monitor.drift.least > monitor.drift.window:
        drift = monitor.drift
        return f"monitor.drift.least {drift.least} is above monitor.drift.window {drift.window}", "", "change one of them"
    if starts_itself and not monitor.cool_down_days:
        got = f"monitor.cool_down_days 0 with a schedule on {uri}: each retraining could start the next one"
        return got, "more than 0 days", "set monitor.cool_down_days"
    return None
