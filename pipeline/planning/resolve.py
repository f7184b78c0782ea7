"""What a step is given: the inputs it reads and, from them, its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.file_cache import FileCache
from pipeline.line import ChampionInput, SourceInput
from pipeline.lookup import load
from pipeline.registry.ledger import Ledger
from pipeline.sources import PINNERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Parts, Reference
    from pipeline.line import Step
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


@dataclass(frozen=True)
class Resolved:
    """A step whose inputs are all known."""

    parts: Parts
    inputs: dict[str, Reference]
    pin: Pin | None


@dataclass(frozen=True)
class Unresolved:
    """A step that cannot be fingerprinted."""

    reason: str

    omitted: bool
    """True: something it needs does not exist, it is left out. False: a step before it runs first."""


@dataclass
class Resolver:
    """Looks up what steps are given; the outside world (sources, champions) is asked once."""

    settings: Settings
    store: Store
    _code: FileCache = field(init=False)
    _pins: dict[str, Pin] = field(default_factory=dict)
    _champions: dict[str, Reference | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what is remembered of source files."""
        self._code = FileCache(self.settings.file_cache_path("code"))

    def resolve(self, step: Step, outputs: Mapping[str, Reference | None]) -> Resolved | Unresolved:
        """Find the inputs of ``step`` and compute its fingerprint.

        Args:
            step: a step of the line.
            outputs: artifact of each earlier step by id; None for one that is left out; absent while it is not known.

        Raises:
            BadInput: the source is missing or empty.
            Unavailable: the place it lies in is away.
        """
        inputs: dict[str, Reference] = {}
        pin: Pin | None = None
        waiting = ""
        for name, origin in step.inputs.items():
            if isinstance(origin, SourceInput):
                pin = self._pin(origin)
                continue
            if isinstance(origin, ChampionInput):
                given, label = self._champion(origin), f"champion of {origin.model}"
            elif origin is None:
                given, label = None, name
            elif origin.id not in outputs:
                waiting = waiting or f"{origin.id} runs first"
                continue
            else:
                given, label = outputs[origin.id], origin.id
            if given is not None:
                inputs[name] = given
            elif not step.component.inputs[name].optional:
                return Unresolved(f"there is no {label}", omitted=True)
        # asked last: what has nothing to work on is left out, whatever else it would wait for
        if waiting:
            return Unresolved(waiting, omitted=False)
        digests = {name: reference.digest for name, reference in inputs.items()}
        if pin:
            digests["source"] = pin.digest
        parts = fingerprint_parts(step.component, step.params, digests, self._code)
        self._code.save()
        return Resolved(parts, inputs, pin)

    def _pin(self, origin: SourceInput) -> Pin:
        source = origin.source
        key = source.model_dump_json()
        if key not in self._pins:
            self._pins[key] = load("source", PINNERS, source.kind)(source, self.settings)
        return self._pins[key]

    def _champion(self, origin: ChampionInput) -> Reference | None:
        if origin.model not in self._champions:
            entry = Ledger(self.store, origin.model).champion()
            self._champions[origin.model] = entry.challenger.model if entry else None
        return self._champions[origin.model]
