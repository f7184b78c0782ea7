"""The quality of a model over time, read from the decisions of its ledger; no report is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics import METRICS
from pipeline.metrics.load_metric import load_metric
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry

CHAMPION = "champion"


class Quality(NamedTuple):
    """What the gate measured of a challenger on the test set."""

    metric: str
    """A name from `pipeline.metrics.METRICS`."""

    value: float
    """In the unit of the metric."""

    def __str__(self) -> str:
        """The score with its metric's decimals and name."""
        return f"{load_metric(self.metric).show(self.value, more=1)} {self.metric}"


class Judged(NamedTuple):
    """One decision of the gate, with what it measured."""

    entry: LedgerEntry
    quality: Quality

    champion: float | None
    """The champion's value on the same examples; None without a champion."""

    test_set: str
    """Names the test set: values of different ones are not comparable. Empty if nothing was compared."""


def quality_of(entry: LedgerEntry) -> Quality | None:
    """The score by which the gate decided; None for an entry that measured nothing, or by a metric that this version lacks."""
    name = next((key for key in entry.figures if key in METRICS), None)
    return Quality(name, entry.figures[name]) if name else None


def champion_quality(ledger: Ledger, champion: LedgerEntry) -> Quality | None:
    """The score of the champion when it was promoted: a rollback measures nothing."""
    for entry in ledger.champions(champion):
        if entry.decision is Outcome.PROMOTED and entry.digest == champion.digest:
            return quality_of(entry)
    return None


def judged(entries: Iterable[LedgerEntry]) -> list[Judged]:
    """The decisions that measured something, oldest first. A proposal and its promotion measured the same: the later one counts.

    Args:
        entries: of one ledger, in any order.
    """
    found: dict[int | None, Judged] = {}
    for entry in sorted(entries, key=lambda entry: entry.number):
        quality = quality_of(entry)
        if quality is None:
            continue
        other = entry.figures.get(f"{CHAMPION}.{quality.metric}")
        found.pop(entry.about, None)
        found[entry.number] = Judged(entry, quality, other, entry.comparison.test_set if entry.comparison else "")
    return list(found.values())


class Served(NamedTuple):
    """A model that became champion."""

    time: datetime
    quality: Quality
    """Its score when it was promoted, also if a rollback made it champion again."""


def served(entries: Iterable[LedgerEntry]) -> list[Served]:
    """The champions one after another, oldest first; without those that were measured before the oldest of these entries.

    Args:
        entries: of one ledger, in any order.
    """
    measured: dict[str, Quality] = {}
    found = []
    for entry in sorted(entries, key=lambda entry: entry.number):
        quality = quality_of(entry)
        if entry.decision is Outcome.PROMOTED and quality:
            measured[entry.digest] = quality
        if entry.champion_number == entry.number and entry.digest in measured:
            found.append(Served(entry.time, measured[entry.digest]))
    return found
