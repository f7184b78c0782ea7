"""Check that every name in a recipe exists in its extension table.

A table is found by its entry-point group (`pipeline.extension_points`), and no entry of it is imported. So an unknown name is
refused while planning, in a process that has no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import unknown_name
from pipeline.extension_points import table
from pipeline.families.families import check_fields, families, find_family
from pipeline.recipe.data_checks import DRIFT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.recipe.recipe import Recipe

FIELDS = (
    ("task.kind", "trainshed.tasks"),
    ("data.source.kind", "trainshed.sources"),
    ("data.source.kind", "trainshed.readers"),
    ("data.sources.kind", "trainshed.sources"),
    ("data.sources.kind", "trainshed.readers"),
    ("data.cleaning.kind", "trainshed.cleaning"),
    ("checks.rules.rule", "trainshed.data_rules"),
    ("model.family", "trainshed.families"),
    ("pretraining.objective", "trainshed.objectives"),
    ("pretraining.optimizer", "trainshed.optimizers"),
    ("finetuning.optimizer", "trainshed.optimizers"),
    ("registration.gate.metric", "trainshed.metrics"),
    ("registration.gate.beats", "trainshed.baselines"),
)
"""Field of a recipe, and the group of a table that has its names. The field also selects which entries count for a fingerprint."""

OWN_FIELDS = (("finetuning.stop_on", "trainshed.metrics"),)
"""Fields that select entries for the step whose params have them, and for no step that reads its result."""

ADDED = (("registration.gate.no_worse.metric", "trainshed.metrics"),)
"""Fields whose names count in addition, where a field of `FIELDS` selects entries of the same table."""

CHECKED = (
    *(row for row in FIELDS if row[0] != "model.family"),
    *ADDED,
    *OWN_FIELDS,
    ("data.checks.rules.rule", "trainshed.data_rules"),
    ("evaluation.metrics", "trainshed.metrics"),
    ("monitor.labelled.metric", "trainshed.metrics"),
    ("monitor.labelled.source.kind", "trainshed.sources"),
    ("monitor.labelled.source.kind", "trainshed.readers"),
    ("data.quality.like.kind", "trainshed.sources"),
    ("data.quality.like.kind", "trainshed.readers"),
    ("data.test_source.kind", "trainshed.sources"),
    ("data.test_source.kind", "trainshed.readers"),
    ("data.decontamination.against.source.kind", "trainshed.sources"),
    ("data.decontamination.against.source.kind", "trainshed.readers"),
    ("notify.via", "trainshed.notifiers"),
)
"""Fields whose names are checked here. Evaluation also has the metrics of its task, so that field selects none of them; families are
those of transformers and more."""

OPTIONAL = frozenset({"trainshed.cleaning", "trainshed.data_rules"})
"""Groups of which a recipe may name no entry: then none counts for a fingerprint, whatever code uses the table."""

UNTRAINED = "untrained"
"""The model before its first step: every report scores it beside the baselines, so a gate may name it."""

BESIDE = {"registration.gate.beats": (UNTRAINED,), "data.checks.rules.rule": (DRIFT,)}
"""Names that a field may have and that are no entries of its table."""


def check_names(recipe: Recipe, origin: str) -> None:
    """Look up every name of the recipe.

    Args:
        recipe: the recipe.
        origin: its name in messages.

    Raises:
        BadInput: a name does not exist; the near name is suggested.
    """
    for field, group in CHECKED:
        for name in _values(recipe, field):
            known = {*table(group), *BESIDE.get(field, ())}
            if name not in known:
                raise unknown_name(f"{field} in {origin}:", name, known)
    family = recipe.model.family
    if family is not None and family not in table("trainshed.families"):
        find_family(family, f"model.family in {origin}:")
    if family in families():
        check_fields(str(family), recipe.model.config, f"model.config in {origin}:")


def _values(recipe: Recipe, field: str) -> Iterator[str]:
    """The names at a dotted field; none where its section is absent. The field may go through a list or a mapping of sections."""
    values: list[object] = [recipe]
    for part in field.split("."):
        found = [getattr(value, part, None) for value in values]
        values = [each for value in found for each in _inside(value)]
    return (value for value in values if isinstance(value, str))


def _inside(value: object) -> Iterable[object]:
    """What a list or a mapping holds; anything else alone."""
    return value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else [value]
