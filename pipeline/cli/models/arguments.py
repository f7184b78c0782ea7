"""What several of these commands take, and the ledger that a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store
    from pipeline.registry.ledger import Ledger
    from pipeline.settings import Settings

Model = Annotated[str, typer.Argument(help="Name of the registered model.", metavar="MODEL")]


def open_ledger(store: Store, model: str, settings: Settings) -> Ledger:
    """The ledger of a model.

    Raises:
        BadInput: it has no entry yet, or no recipe and no ledger has the name; the most similar one is suggested.
    """
    from pipeline.errors import BadInput, unknown_name
    from pipeline.recipe.by_model import recipes_by_model
    from pipeline.registry.ledger import Ledger

    ledger = Ledger(store, model)
    if next(iter(store.list(ledger.key(0).rpartition("/")[0] + "/")), None):
        return ledger
    recipes = recipes_by_model(settings.recipe_folders)
    if model in recipes:
        name = recipes[model][0].name
        raise BadInput(f"the ledger of {model} is empty: no run has decided about a version", "", f"run `trainshed run {name}`")
    raise unknown_name("model", model, {*Ledger.models(store), *recipes})
