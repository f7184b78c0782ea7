"""The planner: walks the line through the store to find cache hits and misses, without running a step."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.types import ArtifactType
from pipeline.component import several
from pipeline.erasure.holders import Holders
from pipeline.errors import BadInput, unknown_name
from pipeline.lines import ChampionInput, LearnedCorpusInput, PreviousCorpusInput, ProposalInput, Step, trace
from pipeline.planning.check_cleaning import check_cleaning_files
from pipeline.planning.check_start import check_planned_base, check_planned_names
from pipeline.planning.decided import DecidedPartition
from pipeline.planning.explain import nearest, why
from pipeline.planning.plan import Plan, PlannedStep, Status, digest_of
from pipeline.planning.resolve import InputResolver, MissingInput, ResolvedInputs
from pipeline.planning.test_set_size import first_reader, warn_small_test_set
from pipeline.planning.verified_blobs import VerifiedBlobs
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.promotion import reports_digest
from pipeline.registry.registration_status import Registered, alias_warnings, check_registration
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.artifacts.artifacts import Artifacts, Damage
    from pipeline.artifacts.manifest import FileEntry, Manifest, Reference
    from pipeline.experiments.records import Pinned
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

log = logging.getLogger(__name__)


@dataclass
class Planner:
    """Plans one recipe. Each manifest is read once."""

    recipe: Recipe
    settings: Settings
    line: str = "train"
    """One of `pipeline.lines.LINES`."""
    force: frozenset[str] = frozenset()
    read_only: bool = False
    """Change nothing in the store and in MLflow: damage makes a step a miss in this plan, but is not recorded."""
    pinned: Pinned | None = None
    """What a study pinned; None looks at what there is now."""
    artifacts: Artifacts = field(init=False)
    resolver: InputResolver = field(init=False)
    verified: VerifiedBlobs = field(init=False)
    steps: tuple[Step, ...] = field(init=False)
    _found: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    """Manifests that exist, by stage and fingerprint."""
    _lost: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why artifacts count as lost, in one line each, by stage and fingerprint."""
    _moved: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By registered model: a sentence for each alias in MLflow that differed from the ledger when it was looked at first."""

    def __post_init__(self) -> None:
        """Trace the line and open the store.

        Raises:
            BadInput: ``force`` names no step of the line.
        """
        self.steps = trace(self.recipe, self.line)
        self.artifacts = open_artifacts(self.settings, read_only=self.read_only)
        self.resolver = InputResolver(self.settings, self.artifacts, self.pinned)
        self.verified = VerifiedBlobs(self.settings.file_cache_path("verified"))
        for name in self.force - {step.id for step in self.steps}:
            raise unknown_name("step", name, [step.id for step in self.steps])

    def plan(self, run: str) -> Plan:
        """Walk the line until no damage is found: the step of a damaged artifact becomes a miss.

        The walk reads manifests only. It checks afterwards, for all hits at once, whether their blobs exist.

        Raises:
            BadInput: the source is missing, the champion's model is lost, or the base does not fit the recipe.
            Unavailable: the store, MLflow or the source is unreachable.
        """
        while True:
            plan = self._walk(run)
            if not self._drop_incomplete() and not any(self._drop_damaged(step, plan) for step in self.steps):
                self._check_base(plan)
                self._check_cleaning(plan)
                self._check_names(plan)
                return plan.model_copy(update={"warnings": self._warnings(plan)})

    def find_artifact(self, step: Step, resolved: ResolvedInputs) -> tuple[Manifest | None, str]:
        """Return the artifact of a step if it is complete and its effect holds, else None and why the step has to run."""
        found = self._find_manifest(step, resolved)
        if found[0] and self._drop_incomplete():
            return None, self._lost[found[0].stage, found[0].fingerprint]
        return found

    def _find_manifest(self, step: Step, resolved: ResolvedInputs) -> tuple[Manifest | None, str]:
        """Like `find_artifact`, but without a check of the blobs."""
        key = (step.component.name, resolved.parts.fingerprint)
        if key in self._lost:
            return None, self._lost[key]
        manifest = self._found.get(key) or self.artifacts.find(*key)
        if manifest is None:
            return None, ""
        self._found[key] = manifest
        self.resolver.remember(manifest)
        if any(isinstance(origin, ProposalInput) for origin in step.inputs.values()):
            return None, "a proposal waits"
        if step.component.effect:
            assert step.registers  # noqa: S101 - a step with an effect says on what
            champion = reports_digest(several(resolved.inputs, "champion_report"))
            wanted = Registered(step.registers, resolved.inputs["model"], resolved.parts.fingerprint, champion)
            status = check_registration(MlflowServer(self.settings), self.artifacts.store, wanted, repair=not self.read_only)
            self._moved.setdefault(step.registers, status.warnings)
            if not status.current:
                return None, status.reason
        return manifest, ""

    def _find_intact(self, stage: str, fingerprint: str) -> Manifest | None:
        """The manifest, unless it is lost; its blobs are checked with those of all hits."""
        manifest = None if (stage, fingerprint) in self._lost else self.artifacts.find(stage, fingerprint)
        if manifest:
            self._found[stage, fingerprint] = manifest
        return manifest

    def _warnings(self, plan: Plan) -> tuple[str, ...]:
        """What a person should know before the run."""
        self._put_aliases_back()
        moved = [warning for warnings in self._moved.values() for warning in warnings]
        return (*moved, *self.resolver.left_out(), *self._small_test_set(plan))

    def _put_aliases_back(self) -> None:
        """Do so for the models whose registration has to run, which nobody has looked at yet; it needs MLflow, as every run does."""
        for name in sorted({step.registers for step in self.steps if step.registers} - set(self._moved)):
            ledger = Ledger(self.artifacts.store, name)
            head = None if self.read_only else ledger.head()
            if head is not None:
                moved = sync_aliases(MlflowServer(self.settings), ledger, head).moved
                self._moved[name] = alias_warnings(moved, repaired=True)

    def _small_test_set(self, plan: Plan) -> tuple[str, ...]:
        """The warning about a run that trains or decides; if the corpus is not known yet, `prepare_step` warns after ingestion."""
        reader = first_reader(self.steps)
        if reader is None:
            return ()
        corpus = next(origin for origin in reader.upstream if origin.type is ArtifactType.CORPUS)
        row = plan.step(corpus.id)
        manifest = self._found.get((row.stage, row.fingerprint)) if row.fingerprint and not plan.nothing_to_do else None
        warning = warn_small_test_set(self.recipe, manifest.counts, self.artifacts.store) if manifest else None
        return (warning,) if warning else ()

    def _walk(self, run: str) -> Plan:
        outputs: dict[str, Reference | None] = {}
        rows = []
        for step in self.steps:
            row = self._row(step, outputs)
            rows.append(row)
            if row.status is Status.HIT:
                outputs[step.id] = row.reference
            elif row.status is Status.SKIPPED:
                outputs[step.id] = None
        if self.recipe.data.partition and not self.force:
            decided = DecidedPartition(self.steps, self.resolver, self.artifacts, self.settings, self._find_intact)
            rows = decided.rows(rows) or rows
        proposals = [origin for step in self.steps for origin in step.inputs.values() if isinstance(origin, ProposalInput)]
        waiting = self.resolver.proposal(proposals[0].model) if proposals else None
        return Plan(
            run=run,
            proposal=waiting.number if waiting else None,
            recipe=self.recipe.name,
            line=self.line,
            recipe_digest=digest_of(self.recipe),
            steps=tuple(rows),
        )

    def _row(self, step: Step, outputs: Mapping[str, Reference | None]) -> PlannedStep:
        stage = step.component.name
        resolved = self.resolver.resolve(step, outputs)
        if isinstance(resolved, MissingInput):
            status = Status.SKIPPED if resolved.skipped else Status.PENDING
            return PlannedStep(id=step.id, stage=stage, status=status, reason=resolved.reason)
        manifest, reason = (None, "forced") if step.id in self.force else self._find_manifest(step, resolved)
        fingerprint = resolved.parts.fingerprint
        if manifest:
            return PlannedStep(
                id=step.id,
                stage=stage,
                status=Status.HIT,
                fingerprint=fingerprint,
                reference=manifest.reference,
                seconds=_seconds(manifest),
            )
        found = nearest(self.artifacts, resolved.parts, self.recipe.name)
        seconds = _seconds(found[0]) if found else None
        return PlannedStep(
            id=step.id,
            stage=stage,
            status=Status.MISS,
            fingerprint=fingerprint,
            reason=reason or resolved.reason or why(found),
            seconds=seconds,
        )

    def _check_base(self, plan: Plan) -> None:
        """Check the model that training starts from, if a step will train: a hit costs no look at it.

        Raises:
            BadInput: it does not fit the recipe, or cannot be used.
        """
        training = [step for step in self.steps if step.component.trains and plan.step(step.id).status in {Status.MISS, Status.PENDING}]
        base = training[0].inputs["base"] if training and self.recipe.model.start else None
        if isinstance(base, ChampionInput):
            reference = self.resolver.champion(base)
        elif isinstance(base, Step):
            reference = plan.step(base.id).reference
        else:
            return
        made = self.artifacts.resolve(reference) if reference else None
        forgotten = Holders(self.artifacts, self.resolver.tombstones()).why_not([reference]) if reference else None
        if forgotten:
            raise BadInput(
                f"model.start: {self.recipe.model.start} has learned what its successor may not know: {forgotten}",
                "",
                "train from model.family or from other weights once, and promote that model",
            )
        check_planned_base(self.recipe, self.settings, self.artifacts, made)

    def _check_cleaning(self, plan: Plan) -> None:
        """Check the files that cleaning reads, if a step will clean.

        Raises:
            BadInput: one is missing, or is not the one that the recipe pins.
        """
        missing = {Status.MISS, Status.PENDING}
        if any(plan.step(step.id).status in missing and getattr(step.params, "data", None) is not None for step in self.steps):
            check_cleaning_files(self.recipe, self.settings)

    def _check_names(self, plan: Plan) -> None:
        """Check the model that finds names, if a step will run it.

        Raises:
            BadInput: it has not the classes that the recipe names, or cannot be used.
        """
        running = [step for step in self.steps if step.inputs.get("names") and plan.step(step.id).status in {Status.MISS, Status.PENDING}]
        if not running:
            return
        origin = running[0].inputs["names"]
        reference = self.resolver.champion(origin) if isinstance(origin, ChampionInput) else None
        if isinstance(origin, Step):
            reference = plan.step(origin.id).reference
        check_planned_names(self.recipe, self.settings, self.artifacts, self.artifacts.resolve(reference) if reference else None)

    def _drop_incomplete(self) -> bool:
        """Count every artifact found so far as lost of which a blob is missing or quarantined; return whether there was one."""
        files = [entry for found in self._found.values() for entry in found.files]
        gone = {damage.entry.sha256: damage.what for damage in self.artifacts.missing_files(files)}
        for key, manifest in list(self._found.items()):
            lost = next((entry for entry in manifest.files if entry.sha256 in gone), None)
            if lost:
                self._drop(key, f"{lost.path}: {gone[lost.sha256]}")
        return bool(gone)

    def _drop(self, key: tuple[str, str], reason: str) -> None:
        """Count an artifact as lost, and note why its step runs again."""
        self._lost[key] = reason
        self._found.pop(key, None)

    def _drop_damaged(self, step: Step, plan: Plan) -> bool:
        """Read and hash the inputs of a miss; return whether one was damaged, which quarantines its damaged blobs."""
        if plan.step(step.id).status is not Status.MISS:
            return False
        outputs = {row.id: row.reference for row in plan.steps if row.status in {Status.HIT, Status.SKIPPED}}
        resolved = self.resolver.resolve(step, outputs)
        assert isinstance(resolved, ResolvedInputs)  # noqa: S101 - a miss has a fingerprint
        for name, reference in resolved.inputs.items():
            manifest = self.artifacts.resolve(reference)
            harm = self._find_damage(manifest.files_of(step.component.input(name).parts)) if manifest else []
            if manifest and not harm:
                continue
            origin = step.inputs[name]
            if _only_compared(step, name):
                log.warning("%s %s is damaged; nothing is compared with it", reference.type, reference.fingerprint[:12])
                self.resolver.compare_without(reference)
                return True
            if isinstance(origin, ChampionInput | LearnedCorpusInput):
                raise BadInput(
                    f"the champion's {reference.type} {reference.fingerprint[:12]} is lost or damaged",
                    "",
                    f"run `trainshed models rollback {origin.model}`, or reproduce the model",
                )
            reason = f"it was damaged: {harm[0]}" if harm else "its manifest is missing"
            log.warning("%s counts as lost (%s); its step runs again", reference.stage, reason)
            self._drop((reference.stage, reference.fingerprint), reason)
            return True
        return False

    def _find_damage(self, entries: Sequence[FileEntry]) -> list[Damage]:
        """Read the blobs that were not verified lately; quarantine those that are damaged."""
        files = self.verified.unverified(self.artifacts.store, entries)
        harm = [damage for damage in self.artifacts.find_damage(files) if self.artifacts.quarantine(damage.entry)]
        damaged = {damage.entry.sha256 for damage in harm}
        self.verified.add(self.artifacts.store, [entry for entry in files if entry.sha256 not in damaged])
        return harm


def _only_compared(step: Step, name: str) -> bool:
    """Whether a step only compares with an input, so that it runs without it."""
    origin = step.inputs[name]
    optional_corpus = isinstance(origin, PreviousCorpusInput) or (isinstance(origin, LearnedCorpusInput) and not origin.needed)
    return optional_corpus or not step.component.input(name).recorded


def _seconds(manifest: Manifest) -> float:
    return (manifest.provenance.finished - manifest.provenance.started).total_seconds()
