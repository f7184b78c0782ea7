"""The task that looks at a source: pin it, and announce its digest if it is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pipeline.operators.assets import asset_alias, recipe_asset
from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import translated_errors
from pipeline.runs.names import WATCH_TASK, run_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.recipe import Recipe

UNFINISHED = ["queued", "running"]


class WatchOperator(BaseOperator):  # type: ignore[misc]
    """Announces new data of a recipe."""

    ui_color = "#fef3c7"

    def __init__(self, *, recipe: Recipe, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Keep the recipe as the DAG file read it."""
        super().__init__(task_id=WATCH_TASK, outlets=[asset_alias(recipe.name, "source")], **options)
        self.recipe = recipe

    def execute(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Pin the source; add an event if its digest is new.

        Raises:
            AirflowFailException: the source is missing or empty.
            TryAgain: the source or the store is unreachable.
        """
        from pipeline.artifacts import open_store
        from pipeline.runs.source_watch import announce
        from pipeline.starts.pin import pin_source

        name, run = self.recipe.name, run_name(context["dag"].dag_id, context["run_id"])
        with translated_errors(context, run, WATCH_TASK):
            settings = task_settings()
        with translated_errors(context, run, WATCH_TASK, settings):
            pin = pin_source(self.recipe.data.origin, settings)
            waiting = context["ti"].get_dr_count(dag_id=name, states=UNFINISHED) > 0
            new = announce(open_store(settings), name, pin.digest, waiting=waiting)
        shown = f"{pin.count} files, digest {pin.digest[:12]}"
        if not new:
            self.log.info("nothing new: %s", shown)
            return
        self.log.info("new data: %s", shown)
        event = {"digest": pin.digest, "items": pin.count, "run": run}
        context["outlet_events"][asset_alias(name, "source")].add(recipe_asset(name, "source"), extra=event)


def announced_digests(events: Mapping[Any, Any], recipe: str) -> frozenset[str]:
    """Digests in the announcements that started a run.

    Args:
        events: Airflow's ``triggering_asset_events`` of the run: the events by Asset.
        recipe: name of the recipe.
    """
    ours = recipe_asset(recipe, "source")
    return frozenset(
        event.extra["digest"] for asset, found in events.items() if asset == ours for event in found if "digest" in event.extra
    )
