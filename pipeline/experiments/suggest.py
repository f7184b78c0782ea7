"""Which values a trial gets: a function of the recipe, the number of the trial, and what came of the trials before.

No sampler lives on between two suggestions. Each one is rebuilt from the records with a seed of its own, so the same records give the
same suggestion, whoever asks. With one seed for all, a sampler would begin every suggestion alike. The sum of the experiment's seed and
the trial's number would not do either: experiments with the seeds 0 and 1 would have all but one random trial in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.experiments.space import count_trials, distributions, experiment_of, grid
from pipeline.recipe.experiment_checks import objective_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.samplers import BaseSampler
    from optuna.study import Study

    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Scalar

    Past = tuple[dict[str, Scalar], float | None, bool]
    """Values of a trial, its objective, and whether it has ended; one that ended without an objective failed."""

STARTUP = 10
"""Trials at random before ``tpe`` learns from them, a third of all if that is less: Optuna's own default."""


def suggest(recipe: Recipe, trial: int, before: Sequence[Past]) -> dict[str, Scalar]:
    """The values of a trial.

    Args:
        recipe: the recipe of the study.
        trial: its number, from 0.
        before: the trials with lower numbers, in order.
    """
    experiment = experiment_of(recipe)
    if experiment.method == "grid":
        return grid(recipe)[trial]
    study = as_study(recipe, before, _sampler(recipe, seed_of(experiment.seed, trial)))
    asked = study.ask(distributions(recipe))
    return {field: asked.params[field] for field in experiment.search}


def seed_of(seed: int, trial: int) -> int:
    """The seed of one suggestion: both numbers mixed by numpy's `SeedSequence`, so that neighbours have nothing in common."""
    from numpy.random import SeedSequence

    return int(SeedSequence((seed, trial)).generate_state(1)[0])


def as_study(recipe: Recipe, trials: Sequence[Past], sampler: BaseSampler | None = None) -> Study:
    """The trials as a study of Optuna, in memory."""
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize" if objective_of(recipe)[1] else "minimize", sampler=sampler)
    spaces = distributions(recipe)
    for values, objective, ended in trials:
        # one that runs counts as a bad one, so that the next suggestion is not near it (Optuna's ``constant_liar``)
        state = TrialState.COMPLETE if objective is not None else TrialState.FAIL if ended else TrialState.RUNNING
        study.add_trial(create_trial(params=values, distributions=spaces, value=objective, state=state))
    return study


def _sampler(recipe: Recipe, seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if experiment_of(recipe).method == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, n_startup_trials=min(STARTUP, max(1, count_trials(recipe) // 3)), constant_liar=True)
