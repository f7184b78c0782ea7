"""The records of a study: what was asked, and what came of it. They are put if absent, sealed, and never changed.

===================================== ==============================================================================
``studies/<study>/study.json``        the recipe, as the study began with it
``studies/<study>/asks/<n>.json``     ask n: which trial, with which values, how far it trains
``studies/<study>/tells/<n>.json``    what came of ask n
``studies/<study>/closed.json``       the end: the best trial; training states are no longer kept for it
===================================== ==============================================================================

Who puts a record that exists already gets the one that exists: two schedulers of one study agree.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from pipeline.artifacts.base import Conflict
from pipeline.artifacts.gc import CLOSED, STUDIES
from pipeline.artifacts.manifest import Frozen, Reference, to_sealed
from pipeline.artifacts.sealed import read_sealed
from pipeline.errors import BadInput
from pipeline.recipe.experiment import Scalar
from pipeline.sources.base import Pin

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store


class Pinned(Frozen):
    """What is outside the recipe, as it was when the study began: every trial reads the same."""

    sources: dict[str, Pin]
    """Revision of each source, by its section of the recipe as JSON."""

    champions: dict[str, Reference | None]
    """Model of each champion that training starts from, by registered name."""


class Study(Frozen):
    """The beginning of a study."""

    recipe: dict[str, Any]
    """The recipe with all overrides, as plain data."""

    pinned: Pinned
    """What every trial reads."""

    started_by: str | None = None
    """The person who began it; None if nobody did."""

    time: datetime
    """When it began, with time zone."""


class Ask(Frozen):
    """One thing to do: train a trial up to a rung."""

    number: int
    """Position in the study, from 0."""

    trial: int
    """The trial, from 0; with successive halving a trial is asked for several times."""

    rung: int
    """How many rungs the trial has passed."""

    values: dict[str, Scalar]
    """Dotted field → value."""

    until: int | None
    """Step of the judged training after which it stops; None for its end."""


class Outcome(StrEnum):
    """How an ask ended."""

    COMPLETE = "complete"
    """The trial has a value."""

    FAILED = "failed"
    """The trial could not be trained: its values do not fit, its loss diverged, or its process was killed."""


class Ran(Frozen):
    """A step that ran for an ask, and what it took."""

    artifact: Reference
    """What it made."""

    state: str
    """Fingerprint under which a training keeps its state."""

    seconds: float
    """From its start to its commit."""

    tokens: float = 0.0
    """Tokens that it trained on, without those of earlier rungs."""

    cost: float | None = None
    """Seconds times the price of its machine size; None if that has no price."""


class Lost(Frozen):
    """A step that failed."""

    step: str
    """Id of the step."""

    seconds: float
    """All its attempts together."""

    cost: float | None = None
    """As of `Ran`."""


class Tell(Frozen):
    """What came of an ask."""

    number: int
    """Number of the ask."""

    trial: int
    """Its trial."""

    outcome: Outcome

    value: float | None = None
    """The objective; None for a trial that failed."""

    steps: int = 0
    """Steps of the judged training that the trial has done in all."""

    reason: str = ""
    """Why it failed, in one line."""

    model: Reference | None = None
    """The model that the value is of."""

    ran: tuple[Ran, ...] = ()
    """The steps that ran for this ask; what was found in the store is not among them."""

    lost: Lost | None = None
    """The step that failed, and what it took."""

    time: datetime
    """When it was told, with time zone."""


class Closed(Frozen):
    """The end of a study."""

    best: int | None
    """The best trial; None if every trial failed."""

    value: float | None
    """Its objective."""

    reason: str
    """Why no more trials are asked for, in one sentence."""

    time: datetime
    """When it ended, with time zone."""


Record = TypeVar("Record", Study, Ask, Tell, Closed)


class StudyRecords:
    """The records of one study."""

    def __init__(self, store: Store, study: str) -> None:
        """Read nothing yet.

        Args:
            store: holds the records.
            study: its name: that of the run that began it.
        """
        self.store, self.study = store, study
        self._known: dict[str, Any] = {}
        """Records that were read, by key: they never change."""

    def begin(self, recipe: dict[str, Any], pinned: Pinned, started_by: str | None = None) -> Study:
        """Record the beginning, unless the study began already; returns how it began."""
        return self._put("study.json", Study(recipe=recipe, pinned=pinned, started_by=started_by, time=datetime.now(UTC)))

    def ask(self, ask: Ask) -> Ask:
        """Record an ask; returns the one with its number that is recorded."""
        return self._put(f"asks/{ask.number:06d}.json", ask)

    def tell(self, tell: Tell) -> Tell:
        """Record what came of an ask; returns what was recorded first."""
        return self._put(f"tells/{tell.number:06d}.json", tell)

    def close(self, closed: Closed) -> Closed:
        """Record the end; returns the end that was recorded first."""
        return self._put(CLOSED, closed)

    def began(self) -> Study | None:
        """How the study began; None if there is no such study."""
        return next(iter(self._read("study.json", Study)), None)

    def closed(self) -> Closed | None:
        """Its end; None while it is open."""
        return next(iter(self._read(CLOSED, Closed)), None)

    def asks(self) -> dict[int, Ask]:
        """Every ask by its number, in order."""
        return {ask.number: ask for ask in self._read("asks/", Ask)}

    def tells(self) -> dict[int, Tell]:
        """Every tell by the number of its ask, in order."""
        return {tell.number: tell for tell in self._read("tells/", Tell)}

    def _key(self, name: str) -> str:
        return f"{STUDIES}{self.study}/{name}"

    def _put(self, name: str, record: Record) -> Record:
        key = self._key(name)
        try:
            self.store.put(key, to_sealed(record.model_dump(mode="json")), if_absent=True)
        except Conflict:
            return self._one(key, type(record))
        self._known[key] = record
        return record

    def _read(self, prefix: str, kind: type[Record]) -> list[Record]:
        return [self._one(stat.key, kind) for stat in self.store.list(self._key(prefix))]

    def _one(self, key: str, kind: type[Record]) -> Record:
        """One record.

        Raises:
            Damaged: it cannot be read, or its seal does not match.
            BadInput: it is whole, but no such record.
        """
        if key not in self._known:
            try:
                self._known[key] = kind.model_validate(read_sealed(self.store, key))
            except ValidationError as error:
                raise BadInput(f"{key} is no record of a study", "", "begin another study") from error
        record: Record = self._known[key]
        return record
