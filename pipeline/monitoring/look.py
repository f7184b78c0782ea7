"""The record of one look at a model: ``monitoring/<model>/<time>.json``. Records are only added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict, CorruptObject
from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.artifacts.sealed import read_record
from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store

ROOT = "monitoring"
TIME = "%Y%m%dT%H%M%S.%fZ"


class Shift(Frozen):
    """How one feature of a window differs from the profile."""

    feature: str
    """A name of `pipeline.monitoring.drift.TESTS`."""

    distance: float
    """Largest distance between the cumulative distributions, 0 to 1."""

    p: float
    """Probability of such a distance with unchanged text."""

    before: float
    """Median of the profile; for the content, of the scores of held-out texts."""

    now: float
    """Median of the window."""

    crossed: bool
    """Whether it is an alarm."""


class Check(Frozen):
    """One thing that was looked at."""

    name: str
    """``drift``, ``score``, ``drop``, ``data``, ``champion`` or ``alias``."""

    value: float | None
    """What was measured; None if it could not be."""

    limit: float | None
    """The threshold of the recipe."""

    crossed: bool
    """Whether a person should know."""

    says: str
    """The finding, in a few words."""

    retrain: bool = False
    """Whether a retraining is the answer."""

    low: float | None = None
    """Lower end of the interval of the value; None if it has none."""

    high: float | None = None
    """Upper end of the interval of the value."""


class Look(Frozen):
    """One look at a model."""

    schema_version: int = 1
    """Version of this layout."""

    recipe: str
    """Name of the recipe."""

    model: str
    """The registered name."""

    time: datetime
    """When, with time zone."""

    run: str
    """Id of the run, or of the command, that looked."""

    champion: int | None
    """Number of the champion's ledger entry; None while there is no champion."""

    corpus: str | None
    """Content digest of the champion's corpus."""

    checks: tuple[Check, ...]
    """What was looked at, in the order of the recipe."""

    shifts: tuple[Shift, ...] = ()
    """Every feature of the window that was compared; empty if none was."""

    texts: int = 0
    """Served texts in the window."""

    served_until: str = ""
    """Newest key of the log of inputs that a comparison has seen: the next look reads what is newer."""

    report: Reference | None = None
    """The report about the champion and the fresh labelled data, if there is one."""

    event: bool = False
    """Whether this look asked for a retraining."""

    due: bool = False
    """Whether a retraining of this champion is due, and this look did not ask for it."""

    asked: datetime | None = None
    """When a retraining was asked for last, by this look or an earlier one."""

    held_back_until: datetime | None = None
    """End of the cool-down, if it is why this look did not ask."""

    @property
    def wants_retraining(self) -> bool:
        """Whether a check that retraining answers is crossed."""
        return any(check.crossed and check.retrain for check in self.checks)


class Looks:
    """The looks at one model."""

    def __init__(self, store: Store, model: str) -> None:
        """Read nothing yet."""
        self.store = store
        self.model = model

    def newest(self, limit: int) -> list[Look]:
        """The newest records, newest first.

        Raises:
            BadInput: one of them is damaged. It may hold the cool-down, so it is not passed over.
        """
        keys = [found.key for found in self.store.list(f"{ROOT}/{self.model}/") if found.key.endswith("Z.json")]
        return [self._read(key) for key in reversed(keys[-limit:])]

    def _read(self, key: str) -> Look:
        try:
            return read_record(self.store, key, Look.model_validate_json)
        except (ValueError, CorruptObject) as error:
            raise BadInput(f"{key} is no record of a look", "", "restore it from a backup, or delete it") from error

    def append(self, look: Look) -> Look:
        """Write a record.

        Raises:
            Unavailable: another look has the same time.
        """
        key = f"{ROOT}/{self.model}/{look.time.astimezone(UTC):{TIME}}.json"
        try:
            self.store.put(key, look.model_dump_json(indent=2).encode(), if_absent=True)
        except Conflict as error:
            raise Unavailable(f"{key} exists: another look ends at the same time", "", "look again") from error
        return look


def answer(look: Look, before: Look | None, days: float, *, emit: bool) -> Look:
    """The look with its answer: whether it asks for a retraining, or when the next one may.

    The newest record is enough to know that: each carries on what is due, and when a retraining was asked for.

    Args:
        look: what was found.
        before: the look before it; None for the first.
        days: the cool-down.
        emit: whether the caller starts a retraining if the record says so.
    """
    asked = before.asked if before else None
    waits = before is not None and before.due and before.champion == look.champion
    if not look.wants_retraining and not waits:
        return look.model_copy(update={"asked": asked})
    until = asked + timedelta(days=days) if asked else None
    if until and look.time < until:
        return look.model_copy(update={"asked": asked, "due": True, "held_back_until": until})
    return look.model_copy(update={"asked": look.time if emit else asked, "due": not emit, "event": emit})
