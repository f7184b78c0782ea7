"""A partition that was decided about stays decided.

Other recipes ask again about the same model when another one became champion. With partitions that would be wrong: after a back-fill, the model
of each older partition would be compared with that of the newest, on its own test set, and might take its place. A recipe that starts from
the champion would even train each of them again. So once a partition's model was decided about, a further run of that partition has nothing
to do, whoever is champion by then. ``--force`` asks again, and so do other data, params or code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.lines import ChampionInput, Step
from pipeline.planning.plan import PlannedStep, Status
from pipeline.planning.resolve import ResolvedInputs
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import find_version
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts, Reference
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
        judges = {
            step.id
            for step in self.steps
            if any(isinstance(origin, ChampionInput) and not origin.needed for origin in step.inputs.values())
        }
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
        if not isinstance(model, Step) or model.id in done:
            return False
        bases = {name for name, origin in model.inputs.items() if isinstance(origin, ChampionInput)}
        resolved = self.resolver.resolve(model, done) if bases else None
        if not isinstance(resolved, ResolvedInputs):
            return False
        ledger = Ledger(self.artifacts.store, name)
        for entry in ledger.newest_first(ledger.head()):
            made = self.artifacts.resolve(entry.challenger.model)
            if made and _equal(made.parts, resolved.parts, bases):
                return True
        return False


def _equal(made: Parts, wanted: Parts, bases: set[str]) -> bool:
    """Whether two trainings are the same but for their bases. A base selects modules, so only those that both have are compared."""

    def rest(parts: Parts) -> Parts:
        return parts.model_copy(
            update={"inputs": {name: digest for name, digest in parts.inputs.items() if name not in bases}, "modules": {}}
        )

    same_code = all(made.modules.get(name, digest) == digest for name, digest in wanted.modules.items())
    return same_code and rest(made) == rest(wanted)


def _idle(row: PlannedStep) -> PlannedStep:
    return PlannedStep(id=row.id, stage=row.stage, status=Status.SKIPPED, reason=REASON)
