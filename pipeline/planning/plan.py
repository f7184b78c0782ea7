"""What planning found: one row per step of the line."""

from __future__ import annotations

from enum import StrEnum

from pipeline.artifacts.manifest import Frozen, Reference


class Status(StrEnum):
    """What a step will do in this run."""

    HIT = "hit"
    """Its artifact exists, whole: nothing to do."""

    MISS = "miss"
    """Its inputs are known and its artifact is not there: it will run."""

    WAITING = "waiting"
    """A step before it runs first; only then is its fingerprint known. It may still turn out a hit."""

    OMITTED = "omitted"
    """Something it needs does not exist in this run (no champion yet), so it is left out."""

    @property
    def told(self) -> str:
        """What people are told: the words that a run uses of the same step later."""
        return {Status.HIT: "cached", Status.MISS: "to run", Status.WAITING: "waiting", Status.OMITTED: "left out"}[self]


class PlannedStep(Frozen):
    """One step as planning sees it."""

    id: str
    """Name of the step within the line."""

    stage: str
    """Component it calls."""

    status: Status

    fingerprint: str | None = None
    """Identity, where the inputs are known."""

    reference: Reference | None = None
    """The artifact, for a hit."""

    reason: str = ""
    """Why it is not a hit, in one line."""

    seconds: float | None = None
    """How long it took when it, or what came nearest to it, was made last."""


class Plan(Frozen):
    """The whole line as planning sees it."""

    run: str
    """Id of the run."""

    recipe: str
    """Name of the recipe."""

    steps: tuple[PlannedStep, ...]

    @property
    def idle(self) -> tuple[str, ...]:
        """Ids of the steps that have nothing to do: hits and omitted ones."""
        return tuple(step.id for step in self.steps if step.status in {Status.HIT, Status.OMITTED})

    @property
    def nothing_to_do(self) -> bool:
        """Whether every step is idle."""
        return len(self.idle) == len(self.steps)

    def step(self, step_id: str) -> PlannedStep:
        """The row of one step."""
        return next(step for step in self.steps if step.id == step_id)
