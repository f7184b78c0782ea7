"""What a recipe's DAG tells other DAGs: that there is a new corpus, a new model, a new champion.

Another DAG, or another recipe (``schedule: {asset: ...}``), starts when one of them has news. A step that had nothing to do is
skipped and tells nothing. The promotion is told through an alias, since Airflow emits an event for every plain outlet of a task
that ended well, and a registration whose promotion was refused has ended well. URIs of a scheme that begins with ``x-`` are
taken by Airflow as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetAlias

if TYPE_CHECKING:
    from pipeline.line import Step
    from pipeline.recipe import Recipe


def asset(recipe: str, what: str) -> Asset:
    """An Asset of a recipe, e.g. ``x-trainshed://pydocs/corpus``.

    Args:
        recipe: name of the recipe.
        what: ``"corpus"``, ``"model"`` or ``"promotion"``.
    """
    return Asset(name=f"{recipe}.{what}", uri=f"x-trainshed://{recipe}/{what}")


def promotion_alias(recipe: str) -> AssetAlias:
    """The alias under which a registration tells of a promotion."""
    return AssetAlias(f"{recipe}.promotion-decided")


def outlets(recipe: Recipe, step: Step) -> list[Asset | AssetAlias]:
    """What a step tells when it ends well."""
    told: dict[str, Asset | AssetAlias] = {
        "ingestion": asset(recipe.name, "corpus"),
        "finetuning": asset(recipe.name, "model"),
        "registration": promotion_alias(recipe.name),
    }
    return [told[step.id]] if step.id in told else []


def inlets(recipe: Recipe, step: Step) -> list[Asset]:
    """What a step reads that another run told of; it also makes Airflow list the Asset before its first event."""
    return [asset(recipe.name, "promotion")] if step.id == "champion_evaluation" else []
