"""The plan of a run: one row for each step of the line."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.artifacts.manifest import Frozen, Reference, canonical_json

if TYPE_CHECKING:
    from pipeline.recipe import Recipe


class Status(StrEnum):
    """What a step does in this run."""

    HIT = "hit"
    """Its artifact exists and is complete: the step does not run."""

    MISS = "miss"
    """Its inputs are known and its artifact does not exist: the step runs."""

    PENDING = "pending"
    """An earlier step runs first, so the fingerprint is not known yet. It may still become a hit."""

    SKIPPED = "skipped"
    """A required input does not exist in this run (no champion yet): the step does not run and has no artifact."""

    @property
    def label(self) -> str:
        """The word that people read; `trainshed run` shows the same words."""
        return {Status.HIT: "cached", Status.MISS: "to run"}.get(self, self.value)


class PlannedStep(Frozen):
    """One step of the plan."""

    id: str
    """Name of the step within the line."""

    stage: str
    """Component of the step."""

    status: Status

    fingerprint: str | None = None
    """Identity of the artifact; None while an input is not known."""

    reference: Reference | None = None
    """The artifact of a hit."""

    reason: str = ""
    """Why it is not a hit, in one line."""

    seconds: float | None = None
    """How long the artifact, or the most similar one, took to make."""


def digest_of(recipe: Recipe) -> str:
    """Digest of a whole recipe, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(recipe.model_dump(mode="json"))).hexdigest()


class Plan(Frozen):
    """The plan of the whole line."""

    run: str
    """Id of the run."""

    recipe: str
    """Name of the recipe."""

    line: str = "train"
    """The line, one of `pipeline.lines.LINES`."""

    started_by: str | None = None
    """The person who started the run, as Airflow authenticated them; None if nobody did."""

    proposal: int | None = None
    """Number of the proposal that waits for people, in a line that ends it."""

    recipe_digest: str = ""
    """Digest of the whole recipe with all overrides: a step refuses to run by another one."""

    steps: tuple[PlannedStep, ...]

    warnings: tuple[str, ...] = ()
    """What a person should know before the run, one sentence each."""

    @property
    def idle(self) -> tuple[str, ...]:
        """Ids of the steps that do not run: hits and skipped ones."""
        return tuple(step.id for step in self.steps if step.status in {Status.HIT, Status.SKIPPED})

    @property
    def nothing_to_do(self) -> bool:
        """Whether no step runs."""
        return len(self.idle) == len(self.steps)

    def step(self, step_id: str) -> PlannedStep:
        """The row of one step."""
        return next(step for step in self.steps if step.id == step_id)
