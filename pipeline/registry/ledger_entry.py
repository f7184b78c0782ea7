"""One entry of the promotion ledger."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict, Field

from pipeline.artifacts.manifest import Frozen, Reference, to_sealed
from pipeline.recipe.gate import Approval
from pipeline.registry.comparison import Comparison
from pipeline.registry.rule_result import RuleResult


class Outcome(StrEnum):
    """What was decided."""

    PROPOSED = "proposed"
    """The challenger passed the gate and waits for people. The champion is unchanged."""

    REJECTED = "rejected"
    """A person rejected the waiting proposal, which ends it."""

    EXPIRED = "expired"
    """Nobody decided about the proposal in time, which ends it. The same model may be proposed again."""

    PROMOTED = "promoted"
    """The challenger is the new champion."""

    REFUSED = "refused"
    """The champion is unchanged, or there still is none."""

    ROLLED_BACK = "rolled_back"
    """A person made an earlier champion the champion again; that model is the entry's challenger."""

    UNKNOWN = "unknown"
    """Written by a later version of this code. It never serves."""

    @classmethod
    def _missing_(cls, _value: object) -> Outcome:
        return cls.UNKNOWN

    @property
    def serves(self) -> bool:
        """Whether the model of such a decision is champion from then on."""
        return self in {Outcome.PROMOTED, Outcome.ROLLED_BACK}


class Candidate(Frozen):
    """A model that was decided about."""

    version: int
    """Its version in MLflow at the time of the decision. After MLflow was wiped, the digest finds the new number."""

    model: Reference
    """The model artifact: the identity that counts."""

    report: Reference | None = None
    """The report with the scores that the gate read."""

    siblings: tuple[Reference, ...] = ()
    """The models of the further training seeds: same recipe, same data. They never serve; the next challenger is compared with them too."""

    @property
    def models(self) -> tuple[Reference, ...]:
        """The models of all training seeds; the first one serves."""
        return (self.model, *self.siblings)


class LedgerEntry(Frozen):
    """One decision. Entries never change, so each one still shows what was known when it was made.

    Fields that this version does not know are ignored: an older image reads the entries of a newer one.

    The stored form has a seal over all fields: damage that leaves valid JSON would make another model the champion.
    """

    model_config = ConfigDict(extra="ignore")

    schema_version: int = 2
    """Version of this layout."""

    number: int = Field(ge=1)
    """Position in the ledger, from 1."""

    decision: Outcome
    """What was decided."""

    serves: bool = Field(default_factory=lambda before: before["decision"].serves)
    """Whether the model of this entry is champion from now on."""

    challenger: Candidate
    """The model that was decided about."""

    against: int | None = None
    """Number of the entry that made the champion of that moment; None when there was no champion."""

    basis: str = ""
    """Digest of everything the gate read (`pipeline.registry.promotion.basis_of`). The same question is decided once."""

    reasons: tuple[str, ...] = ()
    """Why, in plain sentences."""

    figures: dict[str, float] = {}
    """The numbers behind the reasons, for MLflow."""

    rules: tuple[RuleResult, ...] = ()
    """Every rule that the gate asked, with its figures: the decision as a table."""

    comparison: Comparison | None = None
    """Which comparison on its test set this is, and what it may err; None if nothing was compared."""

    waiting: int | None = None
    """Number of the proposal that waits for people after this entry; None if none does."""

    about: int | None = None
    """Number of the proposal that this entry ends or promotes."""

    approval: Approval | None = None
    """Of a proposal: who has to approve it."""

    approved_by: tuple[str, ...] = ()
    """Of the promotion of a proposal: the persons who approved it."""

    person: str | None = None
    """Of a rejection: who rejected."""

    started_by: tuple[str, ...] = ()
    """Of a proposal: who started its run, and earlier runs that proposed the same model. They do not approve it."""

    time: datetime
    """When it was decided, with time zone."""

    run: str
    """Id of the run that decided."""

    def to_bytes(self) -> bytes:
        """The stored form: indented JSON with a seal."""
        return to_sealed(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """Content digest of the model that was decided about."""
        return self.challenger.model.digest

    @property
    def promoted(self) -> bool:
        """Whether the gate made the challenger champion."""
        return self.decision is Outcome.PROMOTED

    @property
    def champion_number(self) -> int | None:
        """Number of the entry whose model is champion after this decision; None for no champion. An unknown outcome does not serve."""
        return self.number if self.serves and self.decision.serves else self.against
