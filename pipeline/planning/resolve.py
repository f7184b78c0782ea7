"""Resolve the inputs of a step and compute its fingerprint from them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import fingerprint_parts, input_digests
from pipeline.artifacts.types import ArtifactType
from pipeline.corpora.find import corpora_of_recipe
from pipeline.erasure.pinned import leave_out
from pipeline.erasure.tombstones import numbers, read_tombstones
from pipeline.errors import BadInput, TrainshedError, in_field
from pipeline.experiments.records import Pinned
from pipeline.file_cache import FileCache
from pipeline.lines import ChampionInput, LearnedCorpusInput, PreviousCorpusInput, ProposalInput, SourceInput
from pipeline.monitoring.find_corpus import find_corpus
from pipeline.recipe.mixture import field_of
from pipeline.registry.end_proposal import waiting_proposal
from pipeline.registry.ledger import Ledger
from pipeline.sources.left_out import sentence
from pipeline.starts.pin import pin_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts, Reference
    from pipeline.erasure.tombstones import Tombstone
    from pipeline.lines import Step
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


log = logging.getLogger(__name__)
CORPORA = 5
"""Corpora of a recipe among which the previous one is looked for."""


@dataclass(frozen=True)
class ResolvedInputs:
    """The inputs of a step, all known, and the parts of its fingerprint."""

    parts: Parts
    inputs: dict[str, Reference]
    pin: Pin | None

    reason: str = ""
    """Why there is no artifact, where that is known better than by a comparison with others."""


@dataclass(frozen=True)
class MissingInput:
    """Why a step has no fingerprint."""

    reason: str

    skipped: bool
    """True: a required input does not exist in this run. False: an earlier step makes the input first."""


@dataclass
class InputResolver:
    """Resolves inputs. Each source and each champion is looked up once."""

    settings: Settings
    artifacts: Artifacts
    pinned: Pinned | None = None
    """What a study pinned; None looks at what there is now."""
    _code: FileCache = field(init=False)
    _pins: dict[str, Pin] = field(default_factory=dict)
    _fields: dict[str, str] = field(default_factory=dict)
    """Where the recipe has each pinned source."""
    _champions: dict[str, Reference | None] = field(default_factory=dict)
    """By registered model: the model that serves."""
    _entries: dict[str, LedgerEntry | None] = field(default_factory=dict)
    """By registered model: the ledger entry of the champion."""
    _proposals: dict[str, LedgerEntry | None] = field(default_factory=dict)
    _manifests: dict[Reference, Manifest | None] = field(default_factory=dict)
    _tombstones: list[Tombstone] | None = None
    _corpora: dict[str, list[Manifest]] = field(default_factory=dict)
    """By recipe: its newest corpora."""
    _unusable: set[Reference] = field(default_factory=set)
    """Damaged artifacts that are only compared with."""

    def __post_init__(self) -> None:
        """Open the cache of code digests, and take over what is pinned."""
        self._code = FileCache(self.settings.file_cache_path("code"))
        if self.pinned:
            self._pins, self._champions = dict(self.pinned.sources), dict(self.pinned.champions)

    def pin(self, steps: Iterable[Step]) -> Pinned:
        """Look up every source and every champion that the steps read.

        Raises:
            BadInput: a source is missing or empty.
            Unavailable: a source or the store is unreachable.
        """
        for origin in (origin for step in steps for origin in step.inputs.values()):
            if isinstance(origin, SourceInput):
                self._pin(origin)
            elif isinstance(origin, ChampionInput):
                self.champion(origin)
        return Pinned(sources=self._pins, champions=self._champions)

    def resolve(self, step: Step, outputs: Mapping[str, Reference | None]) -> ResolvedInputs | MissingInput:
        """Find the inputs of ``step`` and compute its fingerprint.

        Args:
            step: a step of the line.
            outputs: artifact of each earlier step by id; None for a skipped step; no entry while it is not known.

        Raises:
            BadInput: the source is missing or empty, or there is no champion to start from.
            Unavailable: the source is unreachable.
        """
        inputs: dict[str, Reference] = {}
        pin: Pin | None = None
        pending = ""
        for name, origin in step.inputs.items():
            if isinstance(origin, SourceInput):
                pin = self._pin(origin)
                continue
            if isinstance(origin, ChampionInput):
                given = self.champion(origin)
                if given and not step.component.input(name).recorded:
                    given = self._intact(given, step.component.input(name).parts)
                reason = "" if given else self._no_champion(origin)
                if given is None and origin.needed:
                    raise BadInput(
                        f"{origin.field}: {reason}", "", "train the first one with model.family, or from other weights, and promote it"
                    )
            elif isinstance(origin, LearnedCorpusInput):
                champion, reason = self.champion(ChampionInput(origin.model)), f"{origin.model} has no champion yet"
                given = self._usable(find_corpus(self.artifacts, champion).reference) if champion else None
                if given is None and origin.needed:
                    return MissingInput(reason, skipped=True)
            elif isinstance(origin, PreviousCorpusInput):
                present = outputs.get(origin.corpus)
                given, reason = self._previous(origin, present) if present else None, f"{origin.recipe} has no other corpus"
            elif isinstance(origin, ProposalInput):
                waiting = self.proposal(origin.model)
                given, reason = waiting.challenger.model if waiting else None, f"no proposal of {origin.model} waits"
            elif origin is None:
                given, reason = None, f"the line has no {name}"
            elif origin.id not in outputs:
                pending = pending or f"waiting for {origin.id}"
                continue
            else:
                given, reason = outputs[origin.id], f"{origin.id} is skipped"
            if given is not None:
                inputs[name] = given
            elif not step.component.input(name).optional:
                return MissingInput(reason, skipped=True)
        # checked last: a step with a missing input is skipped, whatever its other inputs are
        if pending:
            return MissingInput(pending, skipped=False)
        pin, reason = self._without_forgotten(step, inputs, pin) if pin else (None, "")
        parts = self._parts(step, inputs, pin)
        self._code.save()
        return ResolvedInputs(parts, inputs, pin, reason)

    def _without_forgotten(self, step: Step, inputs: Mapping[str, Reference], pin: Pin) -> tuple[Pin, str]:
        """The source without the documents that are to be forgotten and that the artifact would hold; and why a corpus is made again for that."""
        entries = self.tombstones() if step.type in {ArtifactType.CORPUS, ArtifactType.TEXT_SAMPLE} else []
        if not entries:
            return pin, ""
        if step.type is ArtifactType.TEXT_SAMPLE:
            # which texts a sample has nobody knows; it is made again after each request, and mostly has the same bytes
            return pin.without(tuple(dict.fromkeys(entry.digest for entry in entries)), entries[-1].number), ""
        pin = leave_out(pin, entries, lambda pin: self.artifacts.find(step.component.name, self._parts(step, inputs, pin).fingerprint))
        concerned = [entry.number for entry in entries if entry.digest in pin.forgotten]
        return pin, f"it holds documents that are to be forgotten ({numbers(concerned)})" if concerned else ""

    def tombstones(self) -> list[Tombstone]:
        """What people asked to forget; read once."""
        if self._tombstones is None:
            self._tombstones = read_tombstones(self.artifacts.store)
        return self._tombstones

    def _parts(self, step: Step, inputs: Mapping[str, Reference], pin: Pin | None) -> Parts:
        """The parts of the fingerprint.

        An input whose manifest is lost counts whole and without params. No artifact has that fingerprint, so the step is a miss, and
        the planner finds the lost manifest when it checks the inputs of the misses.
        """
        counted = {name: reference for name, reference in inputs.items() if step.component.input(name).identity}
        found = {name: manifest for name, reference in counted.items() if (manifest := self._manifest(reference))}
        digests = {name: reference.digest for name, reference in counted.items()} | input_digests(step.component, found)
        if pin:
            digests["source"] = pin.digest
        made_with = [manifest.parts.params for manifest in found.values()]
        return fingerprint_parts(step.component, step.params, digests, self._code, made_with)

    def remember(self, manifest: Manifest) -> None:
        """Take over a manifest that was read already."""
        self._manifests[manifest.reference] = manifest

    def _manifest(self, reference: Reference) -> Manifest | None:
        if reference not in self._manifests:
            self._manifests[reference] = self.artifacts.resolve(reference)
        return self._manifests[reference]

    def _pin(self, origin: SourceInput) -> Pin:
        source = origin.source
        key = source.model_dump_json()
        if key not in self._pins:
            self._fields[key] = origin.field
            try:
                self._pins[key] = pin_source(source, self.settings)
            except TrainshedError as error:
                raise in_field(error, origin.field) from error
        return self._pins[key]

    def _previous(self, origin: PreviousCorpusInput, present: Reference) -> Reference | None:
        """The newest corpus of the recipe that differs from the present one."""
        if origin.recipe not in self._corpora:
            self._corpora[origin.recipe] = list(islice(corpora_of_recipe(self.artifacts, origin.recipe), CORPORA))
        others = (found.reference for found in self._corpora[origin.recipe] if found.digest != present.digest)
        return next((found for found in others if self._usable(found)), None)

    def _usable(self, reference: Reference) -> Reference | None:
        return None if reference in self._unusable else reference

    def _intact(self, reference: Reference, parts: tuple[str, ...]) -> Reference | None:
        """An artifact that is only compared with; None if what is read of it is lost or quarantined."""
        manifest = self._manifest(reference)
        lost = manifest is None or self.artifacts.missing_files(manifest.files_of(parts))
        return None if lost else self._usable(reference)

    def compare_without(self, reference: Reference) -> None:
        """Leave out an artifact that is only compared with: it is damaged."""
        self._unusable.add(reference)

    def left_out(self) -> list[str]:
        """What the searches of the sources left out, a sentence for each source."""
        named = [
            (field_of(name) if name else self._fields.get(key, "data.source"), each.left_out)
            for key, pin in self._pins.items()
            for name, each in pin.named
        ]
        return [sentence(left_out, field) for field, left_out in named if left_out]

    def champion(self, origin: ChampionInput) -> Reference | None:
        """The model of the champion, or of another of its training seeds; None if there is none."""
        if origin.seed == 1 and origin.model in self._champions:
            return self._champions[origin.model]
        entry = self._champion_entry(origin.model)
        models = entry.challenger.models if entry else ()
        found = models[origin.seed - 1] if origin.seed <= len(models) else None
        if origin.seed == 1:
            self._champions[origin.model] = found
        return found

    def _no_champion(self, origin: ChampionInput) -> str:
        """Why there is no such model, for a step that is skipped."""
        if origin.seed == 1 or self._champion_entry(origin.model) is None:
            return f"{origin.model} has no champion yet"
        return f"the champion of {origin.model} has no training seed {origin.seed}"

    def _champion_entry(self, model: str) -> LedgerEntry | None:
        if model not in self._entries:
            self._entries[model] = Ledger(self.artifacts.store, model).champion()
        return self._entries[model]

    def proposal(self, model: str) -> LedgerEntry | None:
        """The proposal of a registered model that waits for people; None if none does."""
        if model not in self._proposals:
            ledger = Ledger(self.artifacts.store, model)
            self._proposals[model] = ledger.waiting(ledger.head())
        return self._proposals[model]

    def use_proposal(self, step: Step, number: int) -> bool:
        """Use the proposal that the run was planned with, if it still waits or was ended as planned; if not, log why.

        Args:
            step: that ends it.
            number: of the proposal.

        Raises:
            Outdated: the champion changed: the recipe has to run again.
        """
        for origin in step.inputs.values():
            if not isinstance(origin, ProposalInput):
                continue
            ledger = Ledger(self.artifacts.store, origin.model)
            head = ledger.head()
            if ledger.end_of(number, head) is None:
                try:
                    waiting_proposal(ledger, number, head)
                except BadInput as void:
                    log.warning("%s", void)
                    return False
            self._proposals[origin.model] = ledger.entry(number)
        return True
