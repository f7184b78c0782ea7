"""The contract of a component: what it reads, makes and needs, without its body.

A contract is data: no branching, light imports. The orchestration side reads it to plan and to place a step. The runtime reads
it to check a request. Images, S3 policies, service accounts, secrets and `component.yaml` are derived from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.types import ArtifactType


T = TypeVar("T")

BaseImage = Literal["light", "training"]
"""Base images of components: ``infra/images/light.Dockerfile``, and ``training.Dockerfile``, which adds torch and transformers."""


def numbered(name: str, number: int) -> str:
    """The name of one of several things of a kind: the first has no number.

    Args:
        name: of the first, e.g. ``report``.
        number: from 1.
    """
    return name if number == 1 else f"{name}-{number}"


def several(named: Mapping[str, T], name: str) -> list[T]:
    """The artifacts of an input that takes several, in their order; empty if there is none.

    Args:
        named: artifacts by the names that `numbered` gives.
        name: of the input in the contract.
    """
    found: list[T] = []
    while (key := numbered(name, len(found) + 1)) in named:
        found.append(named[key])
    return found


class Params(BaseModel):
    """Base of a component's params: frozen, refuses unknown fields; all of it enters the fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Input:
    """One input of a component."""

    type: ArtifactType
    """What kind of artifact it takes."""

    optional: bool = False
    """Whether the step runs without it."""

    parts: tuple[str, ...] = ()
    """Files and folders at the top of the artifact that the body reads, or patterns such as ``validation-*.parquet``; empty: all of it.
    Only they are fetched, and only their digest enters the fingerprint."""

    identity: bool = True
    """Whether it enters the fingerprint. Not so for what only an effect looks at: whether that still stands is checked against the world."""

    recorded: bool = True
    """Whether the artifact was made from it, so that its manifest names it. Not so for what a body only compares with: nothing is reproduced,
    kept or forgotten for its sake, and if it is damaged the step runs without it."""

    many: bool = False
    """Whether it takes several artifacts. The first has the input's name, the others are ``name-2``, ``name-3``, …: see `numbered`."""

    @property
    def note(self) -> str:
        """What a person should know beside its type; empty for an input that is always one artifact."""
        return ", ".join(word for word, holds in (("optional", self.optional), ("several", self.many)) if holds)


@dataclass(frozen=True)
class Option:
    """What a body uses only if its params set an optional field: it is part of the identity of those steps alone."""

    field: str
    """Dotted name of the field, e.g. ``finetuning.stop_on``; it may go through lists, e.g. ``data.cleaning.kind``."""

    value: str | None = None
    """What the field has to be, or one of several in a list; None: anything."""

    task_parts: tuple[str, ...] = ()
    """More parts of a task."""

    libraries: tuple[str, ...] = ()
    """More distributions whose version may change the result."""

    image: BaseImage | None = None
    """The base image that holds them, where the component's own does not. The component is then built on this base too, as a second
    image, and steps whose params set the field run in that."""

    def applies_to(self, params: Mapping[str, Any]) -> bool:
        """Whether plain params set the field, to this value if there is one."""
        values: list[Any] = [params]
        for name in self.field.split("."):
            found = [value.get(name) for value in values if isinstance(value, dict)]
            values = [each for value in found for each in (value if isinstance(value, list | tuple) else [value])]
        return any(value is not None and self.value in (None, value) for value in values)


@dataclass(frozen=True)
class Component:
    """The contract of one stage."""

    name: str
    """The stage, a noun: the folder below `components/`."""

    verb: str
    """What it does, a verb: the function in its body."""

    version: int
    """Raised by hand when results change for a reason no fingerprint part can see."""

    summary: str
    """One line for people."""

    params: type[Params]
    """What the recipe decides."""

    output: ArtifactType
    """What kind of artifact it makes."""

    image: BaseImage
    """The base image it is built on; holds the libraries that its body imports."""

    inputs: Mapping[str, Input] = field(default_factory=dict)
    """What it reads, by name."""

    libraries: tuple[str, ...] = ()
    """Distributions whose version may change the result."""

    task_parts: tuple[str, ...] = ()
    """Parts of a task that its body uses (`pipeline.tasks.parts`), e.g. ``"examples"``: a change in another part changes no result."""

    options: tuple[Option, ...] = ()
    """What it uses in addition with some optional fields."""

    resources: str = "cpu-small"
    """Name of the machine size it asks for; launchers map the name, it is no part of the identity."""

    intermediates: bool = False
    """Whether it keeps intermediate results in the store (`pipeline.artifacts.intermediates`), so that a later run makes fewer of them."""

    trains: bool = False
    """Whether it checkpoints, and a retry resumes."""

    budget: str | None = None
    """Param that says where a training stops before its end, e.g. ``finetuning.until``: the state is kept without it, so that another
    run continues from there."""

    effect: bool = False
    """Whether it acts on the world (registry, ledger): a hit then also needs the effect to stand."""

    def input(self, name: str) -> Input:
        """The input that a name stands for: ``report-2`` is the second artifact of the input ``report``.

        Raises:
            KeyError: the contract has no such input, or it takes one artifact only.
        """
        first, dash, number = name.rpartition("-")
        if dash and number.isdigit() and int(number) > 1 and first in self.inputs and self.inputs[first].many:
            return self.inputs[first]
        return self.inputs[name]

    @property
    def images(self) -> dict[str, BaseImage]:
        """The base of each of its images by the image's name, e.g. ``{"ingestion": "light", "ingestion-training": "training"}``."""
        more = sorted({option.image for option in self.options if option.image} - {self.image})
        return {self.name: self.image, **{f"{self.name}-{base}": base for base in more}}

    def image_with(self, params: Mapping[str, Any]) -> str:
        """The name of the image that holds what its body uses with these plain params."""
        bases = {option.image for option in self.options if option.image and option.applies_to(params)}
        return next((name for name, base in self.images.items() if base in bases), self.name)

    def last_step(self, params: Mapping[str, Any]) -> int | None:
        """Where a training with these plain params stops before its end; None if it does not."""
        value: Any = params if self.budget else None
        for name in (self.budget or "").split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return int(value) if value is not None else None

    def task_parts_with(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The parts of a task that its body uses with these params."""
        return (*self.task_parts, *(name for option in self.options if option.applies_to(params) for name in option.task_parts))

    def libraries_with(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The distributions whose version may change the result with these params."""
        return (*self.libraries, *(name for option in self.options if option.applies_to(params) for name in option.libraries))
