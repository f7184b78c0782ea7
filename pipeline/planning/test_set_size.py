"""A warning, before anything is trained, when the test set is too small for the gain that the recipe asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.types import ArtifactType
from pipeline.registry.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.artifacts.base import Store
    from pipeline.lines import Step
    from pipeline.recipe import Recipe


def first_reader(steps: Sequence[Step]) -> Step | None:
    """The first step that reads the corpus: when it starts, the sizes of the splits are known. None in a line without a corpus."""
    return next((step for step in steps if any(origin.type is ArtifactType.CORPUS for origin in step.upstream)), None)


def warn_small_test_set(recipe: Recipe, counts: Mapping[str, int], store: Store) -> str | None:
    """One sentence if the test set is too small to find the gain that the gate asks for, else None.

    Args:
        recipe: the recipe.
        counts: counts of the corpus.
        store: holds the ledger.
    """
    gate = recipe.registration.gate
    if gate.min_gain is None:
        return None
    from pipeline.metrics.load_metric import load_metric
    from pipeline.recipe.gate_checks import scoring_of
    from pipeline.registry.power import small_test_set

    scoring = scoring_of(recipe)
    name = gate.metric or (scoring.primary if scoring else None)
    if name is None:
        return None
    available = counts["pairs_test"] if recipe.task.needs_target else counts["test"]
    return small_test_set(gate, load_metric(name), min(available, recipe.evaluation.examples), Ledger(store, recipe.registration.model))
