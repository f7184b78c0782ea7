"""One line of the promotion ledger."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from pipeline.artifacts.manifest import Frozen, Reference


class Outcome(StrEnum):
    """How a decision went."""

    PROMOTED = "promoted"
    """The challenger is the champion from here on."""

    REFUSED = "refused"
    """The champion stays, or there still is none."""

    ROLLED_BACK = "rolled_back"
    """A person put an earlier champion back in service; it stands in the place of the challenger."""


class Contender(Frozen):
    """A model that was decided upon."""

    version: int
    """Its version in MLflow when the decision was made; after MLflow was wiped the digest finds the new one."""

    model: Reference
    """The model artifact: the identity that counts."""

    report: Reference | None = None
    """The scores that were looked at."""


class Entry(Frozen):
    """One decision. Entries are never changed, so each one still says what was known when it was made."""

    schema_version: int = 1
    """Version of this layout."""

    number: int = Field(ge=1)
    """Place in the ledger, from 1."""

    decision: Outcome
    """How it went."""

    challenger: Contender
    """What was decided upon."""

    against: int | None = None
    """Number of the entry that had put the champion of that moment in service; None when there was no champion."""

    basis: str = ""
    """Digest of everything the gate looked at (`pipeline.registry.basis`): the same question need not be decided twice."""

    reasons: tuple[str, ...] = ()
    """Why, in plain sentences."""

    figures: dict[str, float] = {}
    """The numbers behind the reasons."""

    time: datetime
    """When it was decided, with time zone."""

    run: str
    """Id of the run that decided."""

    @property
    def digest(self) -> str:
        """Content digest of the model that was decided upon."""
        return self.challenger.model.digest

    @property
    def serving(self) -> int | None:
        """Number of the entry whose model is in service once this one stands."""
        return self.against if self.decision is Outcome.REFUSED else self.number
