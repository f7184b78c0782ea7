"""What an experiment tries: which fields of the recipe, which values, how many trials, and how they are judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.section import Section

Scalar = bool | int | float | str | None
"""A value of a field that an experiment searches."""


class Domain(Section):
    """The values that one field may take: a list, or all numbers between two."""

    values: tuple[Scalar, ...] | None = None
    """The values themselves. Not together with the other fields."""

    low: float | None = None
    """Smallest number. All are whole where ``low``, ``high``, ``step`` and the recipe's own value are."""

    high: float | None = None
    """Largest number."""

    log: bool = False
    """Whether every factor counts the same, as for a learning rate; ``low`` is above 0 then."""

    step: float | None = Field(None, gt=0)
    """Distance between two numbers, counted from ``low``. Not together with ``log``."""


class Budget(Section):
    """What all trials together may use. No trial starts once it is used up; a trial that runs is not stopped."""

    tokens: int | None = Field(None, ge=1)
    """Tokens trained on, padding included."""

    hours: float | None = Field(None, gt=0)
    """Hours of the steps that ran for the trials, added up: two trials at once count twice."""

    cost: float | None = Field(None, gt=0)
    """Those hours times ``price_h`` of their machine sizes in ``infra/machines.yaml``, in its currency."""


class Halving(Section):
    """Successive halving (Jamieson and Talwalkar 2016): all trials train a little, and only the best train on."""

    rungs: tuple[int, ...] = Field(min_length=1)
    """Steps of the judged training after which the best go on, ascending: multiples of its ``evaluate_every``, below its ``steps``."""

    keep: float = Field(0.5, gt=0, lt=1)
    """Share of the trials of a rung that train on, rounded down; at least one."""


class Experiment(Section):
    """A search over fields of the recipe, judged on the validation split. No test split is read."""

    search: dict[str, Domain]
    """Dotted field, e.g. ``finetuning.learning_rate``, → the values it may take. A field that a run may change (``--set``)."""

    method: Literal["grid", "random", "tpe"] = "tpe"
    """``grid``: every combination. ``random``. ``tpe``: tree-structured Parzen estimator (Bergstra et al. 2011), which learns from the
    trials before."""

    trials: int | None = Field(None, ge=1)
    """How many combinations are tried; a grid tries all of its own."""

    at_once: int = Field(1, ge=1)
    """Trials that run at the same time. ``tpe`` learns from a group of so many before it suggests the next one."""

    seed: int = Field(0, ge=0)
    """Seed of the suggestions."""

    objective: str | None = None
    """What is compared: ``loss``, or the metric of ``finetuning.stop_on``, as the validation of the kept weights found it. None: what
    early stopping looks at."""

    budget: Budget = Budget()
    """Limits besides the number of trials."""

    halving: Halving | None = None
    """Stop most trials early. None: every trial trains to its end."""
