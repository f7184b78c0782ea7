"""The vocabulary of the lines: steps, where their inputs come from, and what they emit.

A line is a plain function of `Steps` and a recipe. Each call is checked against the component's contract and recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from components import COMPONENTS
from pipeline.artifacts.types import ArtifactType
from pipeline.component import numbered
from pipeline.errors import BadInput, unknown_name
from pipeline.recipe.start import Start, champion_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.component import Component, Params
    from pipeline.recipe import Section, Source
    from pipeline.recipe.data import Mixture
    from pipeline.recipe.gate import Approval
    from pipeline.registry.ledger_entry import Outcome


@dataclass(frozen=True)
class SourceInput:
    """An outside source of text or weights, pinned to a revision when the line is planned."""

    source: Source | Mixture | Start

    field: str = "data.source"
    """Where the recipe has it, for messages."""

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

    seed: int = 1
    """Which of the models that its training seeds made, from 1: the one that serves is the first. There may be fewer."""

    field: str = "model.start"
    """Where the recipe has it, for messages about one that is needed."""

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it is."""
        return ArtifactType.MODEL


@dataclass(frozen=True)
class LearnedCorpusInput:
    """The corpus that the champion learned from, when the line is planned; there may be none."""

    model: str

    needed: bool = True
    """Whether the step is skipped without it."""

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it is."""
        return ArtifactType.CORPUS


@dataclass(frozen=True)
class PreviousCorpusInput:
    """The newest other corpus of the recipe when the line is planned; there may be none."""

    recipe: str

    corpus: str
    """Id of the step that makes the present one."""

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it is."""
        return ArtifactType.CORPUS


@dataclass(frozen=True)
class ProposalInput:
    """The model of the proposal that waits for people when the line is planned; there may be none."""

    model: str

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it is."""
        return ArtifactType.MODEL


@dataclass(frozen=True)
class Emit:
    """An Asset that is updated when a step has succeeded, so that other DAGs can start."""

    what: str
    """Last part of its URI, e.g. ``corpus`` for ``x-trainshed://pydocs/corpus``."""

    outcome: Outcome | None = None
    """Only if the run has an entry with this outcome in the ledger; None: whenever the step succeeded."""


@dataclass(frozen=True)
class Step:
    """One step of the line: a component with its params and where its inputs come from."""

    id: str
    """Name within the line: the component's name unless the line has that component twice."""

    component: Component
    params: Params
    inputs: Mapping[str, Origin | None]
    """By the contract's names; the second artifact of an input that takes several is ``name-2``."""
    emits: tuple[Emit, ...] = ()
    registers: str | None = None
    """The registered model that it may change; None for a step without an effect."""

    people: Approval | None = None
    """Whose answers the step waits for; None: nobody is asked."""

    @property
    def type(self) -> ArtifactType:
        """What kind of artifact it makes."""
        return self.component.output

    @property
    def upstream(self) -> tuple[Step, ...]:
        """The steps whose outputs this one reads."""
        return tuple(origin for origin in self.inputs.values() if isinstance(origin, Step))

    @property
    def champions(self) -> tuple[ChampionInput, ...]:
        """The champions that it is made from; one that it only compares with is none of them."""
        found = ((origin, self.component.input(name)) for name, origin in self.inputs.items() if isinstance(origin, ChampionInput))
        return tuple(origin for origin, wanted in found if wanted.recorded)


Origin: TypeAlias = Step | SourceInput | ChampionInput | LearnedCorpusInput | PreviousCorpusInput | ProposalInput
"""Where an input comes from."""


class Steps:
    """What a line calls; records each step in the order of the calls."""

    def __init__(self) -> None:
        """Begin with nothing recorded."""
        self.recorded: dict[str, Step] = {}

    def pin(self, source: Source | Mixture | Start, field: str = "data.source") -> SourceInput:
        """The source, or several, at the revision it has when the line is planned; messages name its field of the recipe."""
        return SourceInput(source, field)

    def start(
        self, address: str | None, words: tuple[str, ...] | None = None, *, step_id: str = "", field: str = "model.start"
    ) -> Step | ChampionInput | None:
        """A given model, e.g. the one that training starts from: imported weights, or a champion; None for a new model.

        Args:
            address: as in ``model.start``.
            words: extend the tokenizer of imported weights.
            step_id: of the import, where it is not the one of ``model.start``.
            field: where the recipe has the address, for messages.
        """
        if address is None:
            return None
        champion = champion_of(address)
        if champion:
            return ChampionInput(champion, needed=True, field=field)
        given = Start(address=address, words=words)
        return self("model_import", given, step_id=step_id, source=self.pin(given, field))

    def champion(self, model: str, seed: int = 1) -> ChampionInput:
        """The champion of this registered name, if any; or the model of another of its training seeds."""
        return ChampionInput(model, seed=seed)

    def proposal(self, model: str) -> ProposalInput:
        """The proposal of this registered name that waits for people, if any."""
        return ProposalInput(model)

    def __call__(
        self,
        component: str,
        *params: Section | None,
        step_id: str = "",
        emits: tuple[Emit, ...] = (),
        registers: str | None = None,
        people: Approval | None = None,
        **inputs: Origin | Sequence[Origin] | None,
    ) -> Step:
        """Record a step of a component.

        Args:
            component: its name in `components.COMPONENTS`.
            params: sections of the recipe, in the order of the fields of the contract's `Params`; None where the recipe leaves out a section
                that the contract takes as optional.
            step_id: name within the line, for a component that the line has twice.
            emits: Assets that it updates.
            registers: the registered model that it may change.
            people: whose answers it waits for.
            inputs: where each input of the contract comes from; an optional one may be None, and one that takes several may be a list.

        Raises:
            BadInput: no such component, or params or inputs that its contract does not take.
        """
        contract: Component = COMPONENTS.load(component)
        step_id = step_id or component
        if step_id in self.recorded:
            raise BadInput(f"the line has two steps {step_id!r}", "", "give one of them another step_id in pipeline/lines/")
        checked = _checked_inputs(step_id, contract, inputs)
        self.recorded[step_id] = Step(step_id, contract, _params(step_id, contract, params), checked, emits, registers, people)
        return self.recorded[step_id]


def _params(step_id: str, contract: Component, given: tuple[Section | None, ...]) -> Params:
    fields = list(contract.params.model_fields)
    try:
        return contract.params.model_validate(dict(zip(fields, given, strict=True)))
    except ValueError as error:
        names = ", ".join("None" if section is None else type(section).__name__ for section in given)
        raise BadInput(f"params of step {step_id}: {names}", f"sections for {', '.join(fields)}", "correct pipeline/lines/") from error


def _checked_inputs(step_id: str, contract: Component, given: Mapping[str, Origin | Sequence[Origin] | None]) -> dict[str, Origin | None]:
    for name in given:
        if name not in contract.inputs:
            raise unknown_name(f"input of step {step_id}:", name, contract.inputs)
    checked: dict[str, Origin | None] = {}
    for name, wanted in contract.inputs.items():
        origins = _several(given.get(name)) or [None]
        if len(origins) > 1 and not wanted.many:
            raise BadInput(f"input {name} of step {step_id} is {len(origins)} artifacts", "one", "correct pipeline/lines/")
        for number, origin in enumerate(origins, start=1):
            found = origin.type if origin else None
            if found is not wanted.type and not (origin is None and wanted.optional):
                raise BadInput(f"input {name} of step {step_id} is {found or 'missing'}", f"a {wanted.type}", "correct pipeline/lines/")
            checked[numbered(name, number)] = origin
    return checked


def _several(given: Origin | Sequence[Origin] | None) -> list[Origin | None]:
    """The origins of an input as a list."""
    if given is None:
        return []
    return [given] if isinstance(given, Origin) else list(given)
