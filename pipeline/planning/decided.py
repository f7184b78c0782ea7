"""A partition that was decided about stays decided.

Other recipes ask again about the same model when another one became champion. With partitions that would be wrong: after a back-fill, the model
of each older partition would be compared with that of the newest, on its own test set, and might take its place. So once the registration of
a partition's model has ended, a further run of that partition has nothing to do, whoever is champion by then. ``--force`` asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lines import ChampionInput
from pipeline.planning.plan import PlannedStep, Status
from pipeline.planning.resolve import ResolvedInputs
from pipeline.registry.versions import find_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.artifacts.manifest import Manifest
    from pipeline.lines import Step
    from pipeline.planning.resolve import InputResolver
    from pipeline.tracking.server import MlflowServer


def decided_rows(
    steps: Sequence[Step],
    rows: Sequence[PlannedStep],
    resolver: InputResolver,
    find: Callable[[str, str], Manifest | None],
    server: MlflowServer,
) -> list[PlannedStep] | None:
    """The rows of a plan whose model was made and decided about before; None if a step has to run.

    Args:
        steps: of the line.
        rows: its plan so far.
        resolver: of the plan.
        find: the manifest of a stage and fingerprint, if it is there.
        server: of MLflow, which has to have the version.

    Raises:
        Unavailable: MLflow does not answer.
    """
    effect = next((step for step in steps if step.component.effect and step.registers), None)
    if effect is None or effect.registers is None:
        return None
    judges = {step.id for step in steps if any(isinstance(origin, ChampionInput) and not origin.needed for origin in step.inputs.values())}
    made = [row for row in rows if row.id not in judges and row.id != effect.id]
    if any(row.status not in {Status.HIT, Status.SKIPPED} for row in made):
        return None
    resolved = resolver.resolve(effect, {**{row.id: row.reference for row in made}, **dict.fromkeys(judges)})
    if not isinstance(resolved, ResolvedInputs):
        return None
    manifest = find(effect.component.name, resolved.parts.fingerprint)
    if manifest is None or find_version(server, effect.registers, resolved.inputs["model"].digest) is None:
        return None
    reason = "this partition was decided about"
    return [_hit(row, manifest) if row.id == effect.id else _idle(row, reason) if row.id in judges else row for row in rows]


def _hit(row: PlannedStep, manifest: Manifest) -> PlannedStep:
    return PlannedStep(id=row.id, stage=row.stage, status=Status.HIT, fingerprint=manifest.fingerprint, reference=manifest.reference)


def _idle(row: PlannedStep, reason: str) -> PlannedStep:
    """A hit stays one: its artifact is there."""
    return row if row.status is Status.HIT else PlannedStep(id=row.id, stage=row.stage, status=Status.SKIPPED, reason=reason)
