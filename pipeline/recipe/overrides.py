"""What a single run may change of its recipe: how the model is made, never what it is made from or how it is judged.

Whoever may trigger a DAG could otherwise promote anything (`registration`, `evaluation`, the test split in `data`) and read any
file of the worker as a corpus (`data.source`, `tokenizer.given`). Those fields change in the recipe file only, where a change is
reviewed. The rule is the same for Airflow's trigger form and REST API, for `trainshed run`, `plan` and `compile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, unknown_name
from pipeline.recipe.recipe import Recipe, check_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

OVERRIDABLE = ("tokenizer", "model", "pretraining", "finetuning", "resources")
"""Sections whose fields a run may change."""

FIXED = frozenset({"tokenizer.given", "tokenizer.given_sha256", "model.start"})
"""Fields of those sections that it may not change: they name a file of the worker."""

PARTITION = "data.source.partition"
"""A run does say it, but elsewhere: only a time passes there."""


def overridable(field: str) -> bool:
    """Whether a run may change this field, e.g. ``"finetuning.steps"``."""
    return field.partition(".")[0] in OVERRIDABLE and field not in FIXED


def override(recipe: Recipe, values: Mapping[str, Any], origin: str = "override") -> Recipe:
    """Return the recipe with some fields changed for one run, e.g. ``{"finetuning.learning_rate": 1e-3}``.

    Args:
        recipe: the recipe as its file says it.
        values: dotted field → new value.
        origin: where the values come from, for messages.

    Raises:
        BadInput: no such field, a value it does not take, or a field that only the recipe file may change.
    """
    for field in values:
        # an unknown section is a misspelling, which `replace_fields` answers with the near name
        if field.partition(".")[0] in Recipe.model_fields and not overridable(field):
            fix = "say --partition, or fill in the field partition" if field == PARTITION else "edit the recipe file"
            raise BadInput(f"{origin}: a run cannot change {field}", f"a field of {', '.join(OVERRIDABLE)}", fix)
    return replace_fields(recipe, values, origin)


def replace_fields(recipe: Recipe, values: Mapping[str, Any], origin: str) -> Recipe:
    """Return another recipe with some fields replaced, whatever they are; arguments and errors as of `override`."""
    return check_recipe(replaced(recipe, values, origin), origin)


def replaced(recipe: Recipe, values: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """The recipe as plain data with some fields replaced, unchecked.

    Raises:
        BadInput: no such field; the near name is suggested.
    """
    data = recipe.model_dump(mode="json")
    for dotted, value in values.items():
        *parents, leaf = dotted.split(".")
        place = data
        for depth, key in enumerate(parents):
            if not isinstance(place.get(key), dict):
                raise unknown_name(
                    f"section in {origin}", ".".join(parents[: depth + 1]), [k for k, v in place.items() if isinstance(v, dict)]
                )
            place = place[key]
        # resources take any step; check_sizes knows those of the line
        if leaf not in place and parents != ["resources"]:
            raise unknown_name(f"field in {origin}", dotted, [".".join([*parents, name]) for name in place])
        place[leaf] = value
    return data
