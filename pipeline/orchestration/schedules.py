"""A recipe's schedule as Airflow's: timetables with time zones, conditions on Assets, or both.

A DAG is scheduled on full Assets, name and URI: a condition on a bare URI never sees the events of the producer's Asset, or is
another Asset. `pipeline.operators.assets` has the one rule for names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import AssetAll, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable

from pipeline.operators.assets import asset_at, recipe_asset

if TYPE_CHECKING:
    from airflow.sdk.bases.timetable import BaseTimetable
    from airflow.sdk.definitions.asset import BaseAsset

    from pipeline.recipe import Recipe, Schedule


def line_schedule(recipe: Recipe, line: str) -> BaseTimetable | BaseAsset | None:
    """What starts a line of a recipe by itself; None if only people do.

    Args:
        recipe: the recipe.
        line: one of `pipeline.lines.LINES`. A proposal starts the line ``promote``.
    """
    if line == "promote":
        return AssetAny(recipe_asset(recipe.name, "proposal"))
    return train_schedule(recipe)


def train_schedule(recipe: Recipe) -> BaseTimetable | BaseAsset | None:
    """What starts the line of a recipe; None if only people do."""
    schedule = recipe.schedule
    if schedule is None:
        return None
    condition = _condition(recipe)
    clock = _clock(schedule)
    if clock and condition:
        return AssetOrTimeSchedule(timetable=clock, assets=condition)
    return clock or condition


def watch_schedule(recipe: Recipe) -> CronTriggerTimetable | None:
    """When the source of a recipe is looked at; None if nobody watches it."""
    schedule = recipe.schedule
    if schedule is None or schedule.new_data is None:
        return None
    return CronTriggerTimetable(schedule.new_data.every, timezone=schedule.zone)


def _clock(schedule: Schedule) -> BaseTimetable | None:
    """The times of a schedule."""
    if schedule.cron is not None:
        return CronTriggerTimetable(schedule.cron, timezone=schedule.zone)
    return None


def _condition(recipe: Recipe) -> BaseAsset | None:
    """The condition on Assets; new data of the source is one more way to fulfil it."""
    schedule = recipe.schedule
    conditions: list[BaseAsset] = []
    if schedule and schedule.assets:
        kind = AssetAny if schedule.assets.any else AssetAll
        conditions.append(kind(*(asset_at(uri) for uri in schedule.assets.uris)))
    if schedule and schedule.new_data:
        conditions.append(recipe_asset(recipe.name, "source"))
    return AssetAny(*conditions) if len(conditions) > 1 else next(iter(conditions), None)
