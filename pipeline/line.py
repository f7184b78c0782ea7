"""The line, the product on one screen: which step takes what from which.

`trace` runs `line` with a recorder and returns the steps in order. Planning, Airflow, Kubeflow Pipelines and the local
interpreter all read that list.

A new component needs a folder, its row in `components.COMPONENTS` and a call in `line`. The call names the component, its
params in the order of the contract's `Params`, and its inputs by the contract's names; each is checked against the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from components import COMPONENTS
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput, unknown_name
from pipeline.recipe.start import Start, champion_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.component import Component, Params
    from pipeline.recipe import Recipe, Section, Source


def line(step: Steps, recipe: Recipe) -> None:
    """From a source of text to a decision about the champion."""
    source = step.pin(recipe.data.source)
    corpus = step("ingestion", recipe.data, recipe.task, source=source)
    start = step.start(recipe.model.start, recipe.tokenizer.words)
    shape = recipe.model.without_start()
    tokens = step("tokenization", recipe.tokenizer, recipe.task, corpus=corpus, base=start)
    result = None if recipe.finetuning else recipe.task
    base = step("pretraining", shape, recipe.pretraining, result, tokens=tokens, base=start) if recipe.pretraining else start
    judged = corpus if recipe.finetuning and recipe.finetuning.stop_on else None
    model = (
        step("finetuning", shape, recipe.task, recipe.finetuning, tokens=tokens, base=base, corpus=judged) if recipe.finetuning else base
    )
    report = step("evaluation", recipe.task, recipe.evaluation, corpus=corpus, model=model, base=start)
    champion = step.champion(recipe.registration.model)
    champion_report = step("evaluation", recipe.task, recipe.evaluation, step_id="champion_evaluation", corpus=corpus, model=champion)
    step("registration", recipe.registration, model=model, report=report, champion_report=champion_report)


@dataclass(frozen=True)
class SourceInput:
    """An outside source of text or weights, pinned to a revision when the line is planned."""

    source: Source | Start

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it is."""
        return ArtifactType.SOURCE


@dataclass(frozen=True)
class ChampionInput:
    """The champion when the line is planned; there may be none."""

    model: str

    needed: bool = False
    """Whether a run without a champion is refused."""

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it is."""
        return ArtifactType.MODEL


@dataclass(frozen=True)
class Step:
    """One step of the line: a component with its params and where its inputs come from."""

    id: str
    """Name within the line: the component's name unless the line has that component twice."""

    component: Component
    params: Params
    inputs: Mapping[str, Origin | None]

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it makes."""
        return self.component.output

    @property
    def upstream(self) -> tuple[Step, ...]:
        """The steps whose outputs this one reads."""
        return tuple(origin for origin in self.inputs.values() if isinstance(origin, Step))


Origin: TypeAlias = Step | SourceInput | ChampionInput
"""Where an input comes from."""


class Steps:
    """The vocabulary of `line`; records each step in the order of the calls."""

    def __init__(self) -> None:
        """Begin with nothing recorded."""
        self.recorded: dict[str, Step] = {}

    def pin(self, source: Source | Start) -> SourceInput:
        """The source, at the revision it has when the line is planned."""
        return SourceInput(source)

    def start(self, address: str | None, words: tuple[str, ...] | None = None) -> Step | ChampionInput | None:
        """The model that training starts from: imported weights, or a champion; None for a new model. ``words`` extend the tokenizer of imported weights."""
        if address is None:
            return None
        champion = champion_of(address)
        if champion:
            return ChampionInput(champion, needed=True)
        given = Start(address=address, words=words)
        return self("model_import", given, source=self.pin(given))

    def champion(self, model: str) -> ChampionInput:
        """The champion of this registered name, if any."""
        return ChampionInput(model)

    def __call__(self, component: str, *params: Section | None, step_id: str = "", **inputs: Origin | None) -> Step:
        """Record a step of a component.

        Args:
            component: its name in `components.COMPONENTS`.
            params: sections of the recipe, in the order of the fields of the contract's `Params`; None where the recipe leaves out a section
                that the contract takes as optional.
            step_id: name within the line, for a component that the line has twice.
            inputs: where each input of the contract comes from; an optional one may be None.

        Raises:
            BadInput: no such component, or params or inputs that its contract does not take.
        """
        contract: Component = COMPONENTS.load(component)
        step_id = step_id or component
        if step_id in self.recorded:
            raise BadInput(f"the line has two steps {step_id!r}", "", "give one of them another step_id in pipeline/line.py")
        checked = _checked_inputs(step_id, contract, inputs)
        self.recorded[step_id] = Step(step_id, contract, _params(step_id, contract, params), checked)
        return self.recorded[step_id]


def trace(recipe: Recipe) -> tuple[Step, ...]:
    """The steps of the recipe's line, each after the steps it reads from."""
    steps = Steps()
    line(steps, recipe)
    return tuple(steps.recorded.values())


def _params(step_id: str, contract: Component, given: tuple[Section | None, ...]) -> Params:
    fields = list(contract.params.model_fields)
    try:
        return contract.params.model_validate(dict(zip(fields, given, strict=True)))
    except ValueError as error:
        names = ", ".join("None" if section is None else type(section).__name__ for section in given)
        raise BadInput(f"params of step {step_id}: {names}", f"sections for {', '.join(fields)}", "correct pipeline/line.py") from error


def _checked_inputs(step_id: str, contract: Component, given: Mapping[str, Origin | None]) -> dict[str, Origin | None]:
    for name in given:
        if name not in contract.inputs:
            raise unknown_name(f"input of step {step_id}:", name, contract.inputs)
    for name, wanted in contract.inputs.items():
        origin = given.get(name)
        found = origin.type if origin else None
        if found is not wanted.type and not (origin is None and wanted.optional):
            raise BadInput(f"input {name} of step {step_id} is {found or 'missing'}", f"a {wanted.type}", "correct pipeline/line.py")
    return {name: given.get(name) for name in contract.inputs}
