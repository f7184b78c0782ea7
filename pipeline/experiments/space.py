"""The space of an experiment as Optuna knows it, and its grid."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from pipeline.recipe.experiment_checks import ends, grid_values, is_whole

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Domain, Experiment, Scalar


def experiment_of(recipe: Recipe) -> Experiment:
    """The recipe's experiment; whoever comes here has checked that it has one."""
    assert recipe.experiment is not None  # noqa: S101 - see above
    return recipe.experiment


def count_trials(recipe: Recipe) -> int:
    """How many trials the experiment has."""
    return experiment_of(recipe).trials or len(grid(recipe))


def grid(recipe: Recipe) -> tuple[dict[str, Scalar], ...]:
    """Every combination of the values, the last field changing fastest."""
    search = experiment_of(recipe).search
    columns = [grid_values(domain, whole=is_whole(recipe, field, domain)) for field, domain in search.items()]
    return tuple(dict(zip(search, row, strict=True)) for row in product(*columns))


def distributions(recipe: Recipe) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each field."""
    return {field: _distribution(domain, whole=is_whole(recipe, field, domain)) for field, domain in experiment_of(recipe).search.items()}


def _distribution(domain: Domain, *, whole: bool) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if domain.values is not None:
        return CategoricalDistribution(domain.values)
    low, high = ends(domain, whole=whole)
    if whole:
        return IntDistribution(int(low), int(high), log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(low, high, log=domain.log, step=domain.step)
