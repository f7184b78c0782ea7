"""Filling in the Asset events of a step that ended well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias

from pipeline.operators.assets import asset
from pipeline.registry.decisions import decided_in

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Reference
    from pipeline.operators.xcom import Planned
    from pipeline.settings import Settings


def tell(reference: Reference, planned: Planned, context: Any, settings: Settings) -> None:  # noqa: ANN401 - Airflow's context
    """Add to the events of the task's outlets which artifact they are about; tell of a promotion only if there was one."""
    extra = {"stage": reference.stage, "fingerprint": reference.fingerprint, "digest": reference.digest, "run": planned.run}
    events = context["outlet_events"]
    for outlet in context["task"].outlets:
        if not isinstance(outlet, AssetAlias):
            events[outlet].extra.update(extra)
            continue
        entry = decided_in(planned.recipe, planned.run, settings)
        if entry and entry.promoted:
            events[outlet].add(asset(planned.recipe.name, "promotion"), extra={**extra, "version": entry.version})
