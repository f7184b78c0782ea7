"""The Airflow Assets of a recipe: its corpus, its model, and its promotions.

Another DAG, or another recipe (``schedule.assets``), starts when one of them is updated. A step that was skipped updates
nothing. A promotion is sent through an AssetAlias: Airflow emits an event for every plain outlet of a task that succeeded, and a
registration that refused a promotion has succeeded too.

Airflow identifies an Asset by its name *and* its URI. If a consumer gives the same URI another name, it never starts, and one of
the two Assets becomes inactive: then the producer's task fails. So there is one rule for all: the name of an Asset is its URI,
which is also what Airflow's plain ``Asset("...")`` means. Airflow does not normalize URIs whose scheme begins with ``x-``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetAlias

from pipeline.recipe.schedule import asset_uri

if TYPE_CHECKING:
    from pipeline.lines import Step
    from pipeline.recipe import Recipe


def asset_at(uri: str) -> Asset:
    """The Asset at a URI, for its producer and for its consumers alike."""
    return Asset(name=uri, uri=uri)


def recipe_asset(recipe: str, what: str) -> Asset:
    """One Asset of a recipe, e.g. ``x-trainshed://pydocs/corpus``.

    Args:
        recipe: name of the recipe.
        what: ``"corpus"``, ``"model"``, ``"promotion"`` or ``"source"``.
    """
    return asset_at(asset_uri(f"{recipe}/{what}"))


def asset_alias(recipe: str, what: str) -> AssetAlias:
    """The alias through which a task sends an event of an Asset on a condition: Airflow updates every plain outlet of a task that succeeded.

    Args:
        recipe: name of the recipe.
        what: as of `recipe_asset`.
    """
    return AssetAlias(f"{recipe}.{what}-decided")


def outlets(recipe: Recipe, step: Step) -> list[Asset | AssetAlias]:
    """The Assets that a step updates when it succeeds."""
    return [asset_alias(recipe.name, emit.what) if emit.outcome else recipe_asset(recipe.name, emit.what) for emit in step.emits]


def inlets(recipe: Recipe, step: Step) -> list[Asset]:
    """The Assets that a step reads; Airflow lists them before their first event."""
    return [recipe_asset(recipe.name, "promotion")] if step.champions else []
