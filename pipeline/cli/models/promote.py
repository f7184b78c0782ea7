"""``trainshed models promote``: start the run that ends a waiting proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pipeline.cli.models.arguments import Model, open_ledger

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings


def promote(model: Model) -> None:
    """Start the promotion of the version that waits for people: Airflow asks them, and promotes it once enough approved."""
    from pipeline.artifacts import open_artifacts, open_store
    from pipeline.erasure.holders import Holders
    from pipeline.errors import BadInput
    from pipeline.registry.model_status import read_status
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow
    from pipeline.submission.start_promotion import start_promotion

    settings = load_settings()
    status = read_status(open_ledger(open_store(settings), model, settings), 1)
    waiting = status.waiting
    if waiting is None:
        newest = status.recent[0]
        raise BadInput(
            f"no version of {model} waits for approvals; the newest decision is {newest.decision.value.replace('_', ' ')} (ledger entry {newest.number})",
            "a version that passed the gate, in a recipe with registration.approval",
            f"see `trainshed models show {model}`",
        )
    forgotten = Holders(open_artifacts(settings, read_only=True)).why_not(waiting.proposal.challenger.models)
    if forgotten:
        raise BadInput(
            f"version {waiting.proposal.challenger.version} of {model} is not promoted: {forgotten}",
            "a version that was made without them",
            "run its recipe again",
        )
    recipe = _recipe(model, waiting.proposal, settings)
    run = start_promotion(Airflow(settings), recipe, waiting.proposal.number)
    version, number = waiting.proposal.challenger.version, waiting.proposal.number
    said = f"{run} asks" if run else "a run asks already"
    typer.echo(f"version {version} of {model} (proposal {number}) has {len(waiting.approved)} of {waiting.people} approvals; {said}")
    if len(waiting.approved) < waiting.people and waiting.may_answer:
        typer.echo(f"may answer: {', '.join(waiting.may_answer)}; with `trainshed approve {recipe.name} --as USER` or in Airflow")


def _recipe(model: str, proposal: LedgerEntry, settings: Settings) -> Recipe:
    """The recipe whose run made the proposal.

    Raises:
        BadInput: no recipe with approvals makes this model.
    """
    from pipeline.errors import BadInput
    from pipeline.recipe.by_model import recipes_by_model
    from pipeline.runs.names import recipe_of_run

    found = [recipe for recipe in recipes_by_model(settings.recipe_folders).get(model, ()) if recipe.registration.approval]
    if not found:
        raise BadInput(
            f"no recipe with registration.approval registers {model}", "", "restore the recipe that made the proposal, or run another one"
        )
    own = recipe_of_run(proposal.run)
    return next((recipe for recipe in found if recipe.name == own), found[0])
