"""Fill in the Asset events of a step that succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias

from pipeline.artifacts import open_store
from pipeline.operators.assets import recipe_asset
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Reference
    from pipeline.operators.xcom import PlannedRun
    from pipeline.settings import Settings


def fill_events(reference: Reference, planned: PlannedRun, context: Any, settings: Settings) -> None:  # noqa: ANN401 - Airflow's context
    """Add the artifact to the events of the task's outlets; add a promotion event only if the run promoted its model."""
    extra = {"stage": reference.stage, "fingerprint": reference.fingerprint, "digest": reference.digest, "run": planned.run}
    events = context["outlet_events"]
    for outlet in context["task"].outlets:
        if not isinstance(outlet, AssetAlias):
            events[outlet].extra.update(extra)
            continue
        ledger = Ledger(open_store(settings), planned.recipe.registration.model)
        entry = ledger.decision_of_run(planned.run, ledger.head())
        if entry and entry.decision is Outcome.PROMOTED:
            promotion = recipe_asset(planned.recipe.name, "promotion")
            events[outlet].add(promotion, extra={**extra, "version": entry.challenger.version})
