"""A partition that was decided about stays decided.

Other recipes ask again about the same model when another one became champion. With partitions that would be wrong: after a back-fill, the model
of each older partition would be compared with that of the newest, on its own test set, and might take its place. A recipe that starts from
the champion would even train each of them again. So once a partition's model was decided about, a further run of that partition has nothing
to do, whoever is champion by then. ``--force`` asks again, and so do other data, params or code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.file_cache import FileCache
from pipeline.lines import ChampionInput, SourceInput, Step
from pipeline.planning.plan import PlannedStep, Status
from pipeline.planning.resolve import ResolvedInputs
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import find_version
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.planning.resolve import InputResolver
    from pipeline.settings import Settings

REASON = "this partition was decided about"


@dataclass
class DecidedPartition:
    """Looks for the decision about the partition of one plan."""

    steps: Sequence[Step]
    resolver: InputResolver
    artifacts: Artifacts
    settings: Settings
    find: Callable[[str, str], Manifest | None]
    """The manifest of a stage and fingerprint, if it is there."""

    def rows(self, rows: Sequence[PlannedStep]) -> list[PlannedStep] | None:
        """The rows of a plan that has nothing to do, because the partition was decided about; None if it was not.

        Args:
            rows: the plan without regard to that.

        Raises:
            Unavailable: the store or MLflow does not answer.
        """
        effect = next((step for step in self.steps if step.component.effect and step.registers), None)
        if effect is None or effect.registers is None:
            return None
        done = {row.id: row.reference for row in rows if row.status in {Status.HIT, Status.SKIPPED}}
        manifest = self._registration(effect, effect.registers, done)
        if manifest is None and not self._trained_from_another_champion(effect, effect.registers, done):
            return None
        hit = manifest and PlannedStep(
            id=effect.id, stage=manifest.stage, status=Status.HIT, fingerprint=manifest.fingerprint, reference=manifest.reference
        )
        return [hit if hit and row.id == effect.id else row if row.id in done else _idle(row) for row in rows]

    def _registration(self, effect: Step, name: str, done: Mapping[str, Reference | None]) -> Manifest | None:
        """What the registration of this very model made, whoever was champion then; None if it has to run."""
        judges = {step.id for step in self.steps if any(not origin.needed for origin in step.champions)}
        if {step.id for step in self.steps} - judges - {effect.id} - done.keys():
            return None
        resolved = self.resolver.resolve(effect, {**done, **dict.fromkeys(judges)})
        if not isinstance(resolved, ResolvedInputs):
            return None
        manifest = self.find(effect.component.name, resolved.parts.fingerprint)
        if manifest is None or find_version(MlflowServer(self.settings), name, resolved.inputs["model"].digest) is None:
            return None
        return manifest

    def _trained_from_another_champion(self, effect: Step, name: str, done: Mapping[str, Reference | None]) -> bool:
        """Whether the ledger has a model that differs from the one to train in the champion that it started from, and in nothing else."""
        model = effect.inputs["model"]
        origins = [(step.id, origin) for step in self.steps for origin in step.inputs.values()]
        if (
            not isinstance(model, Step)
            or model.id in done
            or not any(isinstance(each, ChampionInput) and each.needed for _, each in origins)
        ):
            return False
        if any(isinstance(origin, SourceInput) and step_id not in done for step_id, origin in origins):
            return False  # new or corrected data; the ledger need not be read for it
        ledger = Ledger(self.artifacts.store, name)
        return any(self._made(model, entry.challenger.model, done) for entry in ledger.newest_first(ledger.head()))

    def _made(self, step: Step, reference: Reference, done: Mapping[str, Reference | None]) -> bool:
        """Whether a step of this plan made that artifact, if any champion may have been its base."""
        made = self.artifacts.resolve(reference)
        if made is None or made.stage != step.component.name:
            return False
        for name, origin in step.inputs.items():
            if not step.component.input(name).identity:
                continue
            given = made.inputs.get(name)
            if isinstance(origin, Step) and origin.id not in done:
                same = given is not None and self._made(origin, given, done)
            elif isinstance(origin, Step):
                planned = done[origin.id]
                same = (given and given.digest) == (planned and planned.digest)
            else:
                same = isinstance(origin, ChampionInput) == (given is not None)
            if not same:
                return False
        return self._same_work(step, made)

    def _same_work(self, step: Step, made: Manifest) -> bool:
        """Whether today's params, code and libraries would do the same with the inputs of then."""
        found = [self.artifacts.resolve(reference) for reference in made.inputs.values()]
        made_with = [manifest.parts.params for manifest in found if manifest]
        code = FileCache(self.settings.file_cache_path("code"))
        return fingerprint_parts(step.component, step.params, made.parts.inputs, code, made_with).fingerprint == made.fingerprint


def _idle(row: PlannedStep) -> PlannedStep:
    return PlannedStep(id=row.id, stage=row.stage, status=Status.SKIPPED, reason=REASON)
