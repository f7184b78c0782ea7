"""The rules of promotion, and the name under which the model is registered."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from pipeline.section import Section


def _as_names(value: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    """A single name stands for a list of one; YAML reads the name of a class such as ``1`` as an integer."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each) if type(each) is int else each for each in values]


Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_names), Field(min_length=1)]
"""One name, or several."""


MAX_CONTAMINATED = 0.01
"""Maximum share of test examples that the training text contains, where the recipe names none."""


class Slice(Section):
    """A part of the test examples. With both fields, an example has to meet both."""

    group: Names | None = None
    """Groups (packages, authors, sites), by name."""

    reference: Names | None = None
    """Expected classes, by name."""


class NoWorse(Section):
    """A metric in which a challenger must not lose: non-inferiority."""

    metric: str | None = None
    """The metric. By default the one that decides."""

    margin: float = Field(ge=0)
    """Once there is a champion: the loss that would be too much, in the unit of the metric. The interval has to lie above it."""

    slice: Slice | None = None
    """The examples it is asked of; by default all."""


class Gate(Section):
    """The rules of promotion."""

    metric: str | None = None
    """The metric that decides, from `pipeline.metrics.METRICS`. By default the task's primary metric."""

    threshold: float | None = None
    """Without a champion: the metric must reach it, in its unit (ROUGE: 0 to 100). Where lower is better, it must not be above it."""

    beats: tuple[str, ...] | None = None
    """Without a champion: baselines that the model must beat, by an interval of the paired difference. By default those of the task."""

    min_distinct: float | None = Field(None, ge=0, le=1)
    """Minimum share of distinct answers, for tasks that write text. By default 0.8."""

    min_examples: int = Field(500, ge=1)
    """Minimum number of test examples for a decision."""

    min_groups: int = Field(10, ge=1)
    """Minimum number of groups of test examples (packages, authors, sites): a few groups say little about others."""

    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Of the two-sided intervals of differences. All comparisons on one test set share the tail above zero, 2.5 % for 0.95: it is the probability
    that any model is promoted that is no better. Each further comparison gets a wider interval."""

    seeds: int | None = Field(None, ge=1, le=20)
    """Train so many models that differ in their training seed only, and decide on their mean. The first one is registered. None: one."""

    max_contaminated: float | None = Field(None, ge=0, le=1)
    """Maximum share of test examples that the training text contains, word for word or nearly (`pipeline.corpus.contamination`).
    By default 0.01."""

    min_gain: float | None = Field(None, gt=0)
    """Once there is a champion: the least gain that is worth a promotion, in the unit of the metric. A smaller one is refused, however sure."""

    replace_forgotten: bool | None = None
    """True: once the champion was made from documents that are to be forgotten, the challenger is decided about as if there were no champion. It
    need not be better than a model that may not serve. None: it has to be better, as ever."""

    no_worse: tuple[NoWorse, ...] | None = None
    """Once there is a champion: further metrics, or slices of the examples, in which the challenger must not be worse."""


class Approval(Section):
    """Who has to agree before a model that passed the gate becomes champion."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    people: int = Field(1, ge=1, le=9)
    """How many distinct persons have to approve. Whoever started the run does not count."""

    approvers: tuple[Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._@+-]+$")], ...] = Field(
        alias="from", min_length=1
    )
    """Their user names in Airflow."""

    expires_days: float = Field(14, gt=0, le=28)
    """After so many days without enough answers, the proposal ends. The next run may propose the model again. At most 28: garbage collection
    keeps what a run left for 30 days."""

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if len(set(self.approvers)) < len(self.approvers):
            raise ValueError("each user once")
        if len(self.approvers) < self.people:
            raise ValueError(f"at least {self.people} users in from, as many as people")
        return self


class Registration(Section):
    """Where the model is registered."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    """Name of the registered model in MLflow, and of its promotion ledger."""

    gate: Gate = Gate()
    """The rules of promotion."""

    approval: Approval | None = None
    """Who has to approve a promotion. By default nobody: a model that passes the gate becomes champion at once."""
