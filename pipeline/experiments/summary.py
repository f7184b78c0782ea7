"""The trials of a study as rows: what each got, how far it came, what it used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.experiments.budget import Spent, spent
from pipeline.experiments.records import Outcome
from pipeline.experiments.space import experiment_of
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.experiment_checks import LOSS, objective_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.experiments.records import Ask, Tell
    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Scalar


@dataclass(frozen=True)
class TrialRow:
    """One trial, after what was told last."""

    trial: int
    values: dict[str, Scalar]
    value: float | None
    """The objective at the last rung that it completed; None for one that failed at the first."""

    first: float | None
    """The objective at the first rung."""

    rung: int
    """Rungs that it completed."""

    last_rung: bool
    """Whether it trained to its end."""

    steps: int
    """Steps of the judged training."""

    spent: Spent
    reason: str
    """Why it failed; empty if it did not."""


def trial_rows(recipe: Recipe, asks: Mapping[int, Ask], tells: Mapping[int, Tell]) -> list[TrialRow]:
    """One row for each trial that was told, the best first, those that failed last."""
    halving = experiment_of(recipe).halving
    rungs = len(halving.rungs) if halving else 0
    rows = []
    for trial in sorted({ask.trial for ask in asks.values()}):
        told = [(asks[number], tells[number]) for number in sorted(asks) if asks[number].trial == trial and number in tells]
        if not told:
            continue
        done = [(ask, tell) for ask, tell in told if tell.outcome is Outcome.COMPLETE]
        ask, tell = (done or told)[-1]
        rows.append(
            TrialRow(
                trial=trial,
                values=ask.values,
                value=tell.value,
                first=told[0][1].value,
                rung=len(done),
                last_rung=bool(done) and ask.rung == rungs,
                steps=tell.steps,
                spent=spent(one for _, one in told),
                reason=told[-1][1].reason,
            )
        )
    sign = -1.0 if objective_of(recipe)[1] else 1.0
    return sorted(rows, key=lambda row: (row.value is None, -row.rung, sign * (row.value or 0.0), row.trial))


def show_objective(recipe: Recipe, value: float | None) -> str:
    """The objective with the decimals of its metric, and two more: trials are close to each other."""
    name = objective_of(recipe)[0]
    if value is None:
        return ""
    return f"{value:.4f}" if name == LOSS else load_metric(name).show(value, more=2)


def objective_title(recipe: Recipe) -> str:
    """The objective and its direction, for people."""
    name, higher = objective_of(recipe)
    title = "validation loss" if name == LOSS else f"validation {load_metric(name).title}"
    return f"{title} ({'higher' if higher else 'lower'} is better)"


def show_value(value: Any) -> str:  # noqa: ANN401 - any scalar
    """A value as `--set` takes it, with four significant digits for people."""
    return f"{value:.4g}" if isinstance(value, float) else "null" if value is None else str(value)


def set_options(values: Mapping[str, Scalar]) -> str:
    """The values as options of `trainshed run`, exactly."""
    import json
    import shlex

    return " ".join(
        f"--set {shlex.quote(f'{field}={value if isinstance(value, str) else json.dumps(value)}')}" for field, value in values.items()
    )
