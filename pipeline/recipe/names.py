"""Check that every name in a recipe exists in its extension table.

The tables are loaded by their dotted names: each package imports in a millisecond, and no entry of a table is imported. So an
unknown name is refused while planning, in a process that has no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.recipe.recipe import Recipe

TABLES = (
    ("data.source.kind", "pipeline.sources:PINNERS"),
    ("data.source.kind", "pipeline.corpus.readers:READERS"),
    ("model.family", "pipeline.models:FAMILIES"),
    ("pretraining.objective", "pipeline.training:OBJECTIVES"),
    ("task.kind", "pipeline.tasks:TASKS"),
    ("task.kind", "pipeline.training:TASKS"),
    ("pretraining.optimizer", "pipeline.training:OPTIMIZERS"),
    ("finetuning.optimizer", "pipeline.training:OPTIMIZERS"),
    ("registration.gate.metric", "pipeline.metrics:METRICS"),
    ("registration.gate.beats", "pipeline.evaluation.baselines:BASELINES"),
)
"""Field of a recipe, and a table that has its names. The field also selects which entries of the table count for a fingerprint."""

CHECKED = (*TABLES, ("evaluation.metrics", "pipeline.metrics:METRICS"))
"""All fields with names. Evaluation also has the metrics of its task, so this field selects none of them."""

UNTRAINED = "untrained"
"""The model before its first step: every report scores it beside the baselines, so a gate may name it."""


def check_names(recipe: Recipe, origin: str) -> None:
    """Look up every name of the recipe.

    Args:
        recipe: the recipe.
        origin: its name in messages.

    Raises:
        BadInput: a name does not exist; the near name is suggested.
    """
    for field, place in CHECKED:
        for name in _values(recipe, field):
            module, _, attribute = place.partition(":")
            table: Mapping[str, str] = getattr(import_module(module), attribute)
            known = {*table, UNTRAINED} if field == "registration.gate.beats" else set(table)
            if name not in known:
                raise unknown_name(f"{field} in {origin}:", name, known)


def _values(recipe: Recipe, field: str) -> Iterator[str]:
    """The names at a dotted field; none where its section is absent."""
    value: object = recipe
    for part in field.split("."):
        value = getattr(value, part, None)
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from value
