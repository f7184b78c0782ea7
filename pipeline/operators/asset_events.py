"""Fill in the Asset events of a step that succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.artifacts import open_store
from pipeline.operators.assets import asset_alias, recipe_asset
from pipeline.registry.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.artifacts.manifest import Reference
    from pipeline.lines import Emit
    from pipeline.operators.xcom import PlannedRun
    from pipeline.settings import Settings


def fill_events(emits: Iterable[Emit], reference: Reference, planned: PlannedRun, context: Any, settings: Settings) -> None:  # noqa: ANN401
    """Add the artifact to the events of the step's Assets; one that depends on an outcome is sent only if the ledger has it.

    Args:
        emits: what the step emits.
        reference: its artifact.
        planned: its run.
        context: of the Airflow task.
        settings: where the ledger is.
    """
    extra = {"stage": reference.stage, "fingerprint": reference.fingerprint, "digest": reference.digest, "run": planned.run}
    events, outlets = context["outlet_events"], context["task"].outlets
    recipe = planned.recipe
    for emit in emits:
        asset = recipe_asset(recipe.name, emit.what)
        if emit.outcome is None:
            if asset in outlets:
                events[asset].extra.update(extra)
            continue
        ledger = Ledger(open_store(settings), recipe.registration.model)
        entry = ledger.decision_of_run(planned.run, ledger.head())
        if entry and entry.decision is emit.outcome:
            events[asset_alias(recipe.name, emit.what)].add(asset, extra={**extra, "version": entry.challenger.version})
