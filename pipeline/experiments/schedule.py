"""What a study asks for next: rounds of asks, each made from what came of the rounds before.

Within a round nothing waits for anything. ``tpe`` has rounds of ``at_once`` trials, so that what it suggests does not depend on which
trial happens to end first; the other methods ask for all trials at once. With successive halving (Jamieson and Talwalkar 2016) one
more round follows for each rung: the best trials of a rung go on to the next one.
"""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

from pipeline.experiments.records import Ask, Outcome, Tell
from pipeline.experiments.space import count_trials, experiment_of
from pipeline.experiments.suggest import suggest
from pipeline.recipe.experiment_checks import objective_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.recipe import Recipe


def next_round(recipe: Recipe, asks: Mapping[int, Ask], tells: Mapping[int, Tell]) -> tuple[Ask, ...]:
    """The asks of the first round that is not told in full; empty if there is no such round.

    Args:
        recipe: the recipe of the study.
        asks: what was asked, by number; of the round that is returned, maybe a part.
        tells: what came of it, by number of the ask.
    """
    trials, rungs = count_trials(recipe), _rungs(recipe)
    size = _round_size(recipe)
    for start in range(0, trials, size):
        chosen = range(start, min(start + size, trials))
        known = dict(asks)
        for trial in chosen:
            known[trial] = known.get(trial) or _new_trial(recipe, trial, rungs[0], known, tells, start)
        if any(trial not in tells for trial in chosen):
            return tuple(known[trial] for trial in chosen)
    first = trials
    for rung, until in enumerate(rungs[1:], start=1):
        going = promoted(recipe, rung - 1, asks, tells)
        wanted = [
            Ask(number=first + place, trial=trial, rung=rung, values=asks[trial].values, until=until) for place, trial in enumerate(going)
        ]
        if any(ask.number not in tells for ask in wanted):
            return tuple(wanted)
        first += len(going)
    return ()


def promoted(recipe: Recipe, rung: int, asks: Mapping[int, Ask], tells: Mapping[int, Tell]) -> list[int]:
    """The trials that go on from a rung that was told in full, in order of their numbers; none if all of them failed."""
    halving = experiment_of(recipe).halving
    assert halving is not None  # noqa: S101 - there is a rung to go on from
    asked = [ask for ask in asks.values() if ask.rung == rung]
    kept = max(1, floor(len(asked) * halving.keep))
    return sorted(tell.trial for tell in ranked(recipe, [tells[ask.number] for ask in asked])[:kept])


def ranked(recipe: Recipe, tells: list[Tell]) -> list[Tell]:
    """Those that have a value, the best first; of equal ones the earlier first."""
    sign = -1.0 if objective_of(recipe)[1] else 1.0
    return sorted((tell for tell in tells if tell.value is not None), key=lambda tell: (sign * (tell.value or 0.0), tell.number))


def best_trial(recipe: Recipe, asks: Mapping[int, Ask], tells: Mapping[int, Tell]) -> Tell | None:
    """What came of the best trial: the best one of the highest rung that any trial completed."""
    told = [tells[number] for number in asks if number in tells and tells[number].outcome is Outcome.COMPLETE]
    highest = max((asks[tell.number].rung for tell in told), default=0)
    return next(iter(ranked(recipe, [tell for tell in told if asks[tell.number].rung == highest])), None)


def _rungs(recipe: Recipe) -> tuple[int | None, ...]:
    """Where the trials of each rung stop; the last ones train to their end."""
    halving = experiment_of(recipe).halving
    return (*(halving.rungs if halving else ()), None)


def _new_trial(recipe: Recipe, trial: int, until: int | None, asks: Mapping[int, Ask], tells: Mapping[int, Tell], start: int) -> Ask:
    """The ask of a new trial: trials of this round, which begins with trial ``start``, count as running."""
    before = [(asks[number].values, tells[number].value if number < start else None, number < start) for number in range(trial)]
    return Ask(number=trial, trial=trial, rung=0, values=suggest(recipe, trial, before), until=until)


def count_rounds(recipe: Recipe) -> int:
    """How many rounds a study has at most."""
    return _first_rounds(recipe) + len(_rungs(recipe)) - 1


def round_of(recipe: Recipe, ask: Ask) -> int:
    """Number of the round that has an ask, from 1."""
    return _first_rounds(recipe) + ask.rung if ask.rung else ask.trial // _round_size(recipe) + 1


def _first_rounds(recipe: Recipe) -> int:
    """How many rounds it takes to ask for every trial once."""
    return ceil(count_trials(recipe) / _round_size(recipe))


def _round_size(recipe: Recipe) -> int:
    """New trials in a round."""
    return experiment_of(recipe).at_once if experiment_of(recipe).method == "tpe" else count_trials(recipe)
