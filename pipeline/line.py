"""The product on one screen: which step takes what from which.

`line` is told once and read by everyone. `trace` runs it with a recorder and returns the steps in order; planning, Airflow
and the local interpreter all walk that list and never call `line` with anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.evaluation.contract import EvaluationParams
from components.evaluation.contract import contract as evaluation
from components.finetuning.contract import FinetuningParams
from components.finetuning.contract import contract as finetuning
from components.ingestion.contract import IngestionParams
from components.ingestion.contract import contract as ingestion
from components.pretraining.contract import PretrainingParams
from components.pretraining.contract import contract as pretraining
from components.registration.contract import RegistrationParams
from components.registration.contract import contract as registration
from components.tokenization.contract import TokenizationParams
from components.tokenization.contract import contract as tokenization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.component import Component, Params
    from pipeline.recipe import Data, Evaluation, Finetuning, Model, Pretraining, Recipe, Registration, Source, Tokenizer


def line(step: Steps, recipe: Recipe) -> None:
    """From a source of text to a decision about a champion."""
    source = step.pin(recipe.data.source)
    corpus = step.ingest(source, recipe.data)
    tokens = step.tokenize(corpus, recipe.tokenizer)
    base = step.pretrain(tokens, recipe.model, recipe.pretraining) if recipe.pretraining else None
    model = step.finetune(tokens, base, recipe.model, recipe.finetuning)
    report = step.evaluate("evaluation", corpus, model, recipe.evaluation)
    champion = step.champion(recipe.registration.model)
    champion_report = step.evaluate("champion_evaluation", corpus, champion, recipe.evaluation)
    step.register(model, report, champion_report, recipe.registration)


@dataclass(frozen=True)
class SourceInput:
    """An outside source, pinned to a revision when the line is planned."""

    source: Source


@dataclass(frozen=True)
class ChampionInput:
    """The model in service when the line is planned; there may be none."""

    model: str


@dataclass(frozen=True)
class Step:
    """One step of the line: a component with its params and where its inputs come from."""

    id: str
    """Name within the line; the stage's name unless a stage stands in the line twice."""

    component: Component
    params: Params
    inputs: Mapping[str, Step | SourceInput | ChampionInput | None]

    @property
    def upstream(self) -> tuple[Step, ...]:
        """The steps whose outputs this one reads."""
        return tuple(origin for origin in self.inputs.values() if isinstance(origin, Step))


class Steps:
    """The vocabulary `line` is written in; records each step it is asked for."""

    def __init__(self) -> None:
        """Begin with nothing recorded."""
        self.recorded: list[Step] = []

    def pin(self, source: Source) -> SourceInput:
        """The source, at the revision it has when the line is planned."""
        return SourceInput(source)

    def champion(self, model: str) -> ChampionInput:
        """The model in service under this registered name, if any."""
        return ChampionInput(model)

    def ingest(self, source: SourceInput, data: Data) -> Step:
        """Source → corpus."""
        return self._record(ingestion.name, ingestion, IngestionParams(data=data), source=source)

    def tokenize(self, corpus: Step, tokenizer: Tokenizer) -> Step:
        """Corpus → tokenizer and tokens."""
        return self._record(tokenization.name, tokenization, TokenizationParams(tokenizer=tokenizer), corpus=corpus)

    def pretrain(self, tokens: Step, model: Model, params: Pretraining) -> Step:
        """Tokens → base model."""
        return self._record(pretraining.name, pretraining, PretrainingParams(model=model, pretraining=params), tokens=tokens)

    def finetune(self, tokens: Step, base: Step | None, model: Model, params: Finetuning) -> Step:
        """Tokens and base model → task model."""
        return self._record(finetuning.name, finetuning, FinetuningParams(model=model, finetuning=params), tokens=tokens, base=base)

    def evaluate(self, step_id: str, corpus: Step, model: Step | ChampionInput, params: Evaluation) -> Step:
        """Corpus and model → report."""
        return self._record(step_id, evaluation, EvaluationParams(evaluation=params), corpus=corpus, model=model)

    def register(self, model: Step, report: Step, champion_report: Step, params: Registration) -> Step:
        """Model and reports → registered version and decision."""
        given = RegistrationParams(registration=params)
        return self._record(registration.name, registration, given, model=model, report=report, champion_report=champion_report)

    def _record(self, step_id: str, component: Component, params: Params, **inputs: Step | SourceInput | ChampionInput | None) -> Step:
        step = Step(step_id, component, params, inputs)
        self.recorded.append(step)
        return step


def trace(recipe: Recipe) -> tuple[Step, ...]:
    """The steps of the recipe's line, each after the steps it reads from."""
    steps = Steps()
    line(steps, recipe)
    return tuple(steps.recorded)
