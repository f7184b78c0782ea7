"""The three plots of a study: parallel coordinates, importance of the fields, quality against what it took."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl

from pipeline.drawing import ACCENT, NEUTRAL, QUIET, SECOND, STYLE, canvas, svg
from pipeline.experiments.space import experiment_of
from pipeline.experiments.suggest import as_study
from pipeline.experiments.summary import objective_title, show_value
from pipeline.recipe.experiment_checks import objective_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.experiments.summary import TrialRow
    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Domain, Scalar

TICKS = 4
"""Labels of a range of numbers."""

FEWEST = 4
"""Trials that the importance of fields is computed from at least."""


def draw_parallel(recipe: Recipe, rows: Sequence[TrialRow]) -> str:
    """One line for each trial through its values and its objective (Inselberg 1985); the best one is highlighted.

    Returns:
        The drawing; an empty string without two trials that have an objective.
    """
    scored = [row for row in rows if row.value is not None]
    if len(scored) < 2:
        return ""
    values = [row.value or 0.0 for row in scored]
    low, high = min(values), max(values)
    search = experiment_of(recipe).search
    with mpl.rc_context(STYLE):
        figure, axes = canvas(7.2, 3.4)
        for place, (field, domain) in enumerate(search.items()):
            axes.plot([place, place], [0, 1], color=NEUTRAL, linewidth=0.8)
            for height, label in _ticks(domain):
                axes.annotate(label, (place, height), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
            axes.annotate(field.replace(".", ".\n", 1), (place, 1.06), ha="center", va="bottom", fontsize=9, annotation_clip=False)
        axes.plot([len(search)] * 2, [0, 1], color=NEUTRAL, linewidth=0.8)
        for height, number in ((0.0, low), (1.0, high)):
            axes.annotate(f"{number:.4g}", (len(search), height), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        axes.annotate(
            objective_title(recipe).replace(" (", "\n("), (len(search), 1.06), ha="center", va="bottom", fontsize=9, annotation_clip=False
        )
        for row, value in reversed(list(zip(scored, values, strict=True))):
            heights = [_height(domain, row.values[field]) for field, domain in search.items()]
            best = row is scored[0]
            last = (value - low) / (high - low) if high > low else 0.5
            axes.plot(range(len(search) + 1), [*heights, last], color=ACCENT if best else QUIET, linewidth=2.4 if best else 1.0)
        axes.set_xlim(-0.5, len(search) + 0.6)
        axes.set_ylim(-0.05, 1.25)  # the titles are above the axes
        axes.set_axis_off()
        return svg(figure, "Values and objective of each trial")


def draw_importance(recipe: Recipe, rows: Sequence[TrialRow]) -> str:
    """How much of the objective's variance each field explains (fANOVA, Hutter et al. 2014), by Optuna.

    Trials are compared at the first rung, which all of them reached.

    Returns:
        The drawing; an empty string with fewer than `FEWEST` trials, with one field, or if all trials are equally good.
    """
    scored = [row for row in rows if row.first is not None]
    if len(scored) < FEWEST or len(experiment_of(recipe).search) < 2 or len({row.first for row in scored}) < 2:
        return ""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    study = as_study(recipe, [(row.values, row.first, True) for row in scored])
    shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    with mpl.rc_context(STYLE):
        figure, axes = canvas(7.2, 0.9 + 0.36 * len(shares))
        for place, share in enumerate(shares.values()):
            axes.barh(place, share, color=ACCENT if place == 0 else QUIET, height=0.62)
            axes.annotate(f"{share:.0%}", (share, place), xytext=(6, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(shares)), list(shares))
        axes.invert_yaxis()
        axes.set_xlabel("share of the variance that the field explains")
        axes.tick_params(left=False)
        axes.spines["left"].set_visible(False)
        return svg(figure, "Importance of the fields")


def draw_cost(recipe: Recipe, rows: Sequence[TrialRow]) -> str:
    """The objective of each trial over what it took, and the best that so much could buy.

    Returns:
        The drawing; an empty string without two trials that have an objective.
    """
    scored = [row for row in rows if row.value is not None]
    if len(scored) < 2:
        return ""
    priced = all(row.spent.cost for row in scored)
    sign = 1.0 if objective_of(recipe)[1] else -1.0
    points = sorted((row.spent.cost if priced else row.spent.hours * 60, row.value or 0.0, row.trial) for row in scored)
    front: list[tuple[float, float]] = []
    for spent, value, _ in points:
        if not front or sign * value > sign * front[-1][1]:
            front.append((spent, value))
    with mpl.rc_context(STYLE):
        figure, axes = canvas(7.2, 3.0)
        axes.plot(*zip(*front, strict=True), color=SECOND, linewidth=1.4, drawstyle="steps-post")
        for spent, value, trial in points:
            axes.plot(spent, value, "o", color=ACCENT if trial == scored[0].trial else QUIET, markersize=6)
            axes.annotate(str(trial), (spent, value), xytext=(5, 4), textcoords="offset points", fontsize=8)
        axes.set_xlabel("cost" if priced else "minutes of its steps")
        axes.set_ylabel(objective_title(recipe).replace(" (", "\n("))
        axes.grid(visible=True, axis="y", alpha=0.15, color=NEUTRAL)
        return svg(figure, "Objective over cost")


def _height(domain: Domain, value: Scalar) -> float:
    """Where a value is on its axis, from 0 to 1."""
    if domain.values is not None:
        return domain.values.index(value) / max(1, len(domain.values) - 1)
    assert isinstance(value, int | float)  # noqa: S101 - the values of a range are numbers
    assert domain.low is not None  # noqa: S101 - checked with the recipe
    assert domain.high is not None  # noqa: S101
    scaled = [math.log(number) if domain.log else number for number in (domain.low, value, domain.high)]
    return (scaled[1] - scaled[0]) / (scaled[2] - scaled[0])


def _ticks(domain: Domain) -> list[tuple[float, str]]:
    """Places and labels of an axis."""
    if domain.values is not None:
        return [(_height(domain, value), show_value(value)) for value in domain.values]
    assert domain.low is not None  # noqa: S101 - checked with the recipe
    assert domain.high is not None  # noqa: S101
    shares = [number / (TICKS - 1) for number in range(TICKS)]
    if domain.log:
        return [(share, f"{domain.low * (domain.high / domain.low) ** share:.3g}") for share in shares]
    return [(share, f"{domain.low + (domain.high - domain.low) * share:.3g}") for share in shares]
