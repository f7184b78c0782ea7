"""The quality of a model over time, read from the decisions of its ledger; no report is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics import METRICS
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry

CHAMPION = "champion"


class Quality(NamedTuple):
    """What the gate measured of a challenger on the test set."""

    metric: str
    """A name from `pipeline.metrics.METRICS`."""

    value: float
    """In the unit of the metric."""


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
    for entry in ledger.newest_first(champion):
        if entry.decision is Outcome.PROMOTED and entry.digest == champion.digest:
            return quality_of(entry)
    return None


def judged(entries: Iterable[LedgerEntry]) -> list[Judged]:
    """The decisions that measured something, oldest first. A proposal and its promotion measured the same: the later one counts.

    Args:
        entries: of one ledger, in any order.
    """
    found: dict[tuple[str, str], Judged] = {}
    for entry in sorted(entries, key=lambda entry: entry.number):
        quality = quality_of(entry)
        if quality is None:
            continue
        other = entry.figures.get(f"{CHAMPION}.{quality.metric}")
        key = (entry.digest, entry.basis or str(entry.number))
        found.pop(key, None)
        found[key] = Judged(entry, quality, other, entry.comparison.test_set if entry.comparison else "")
    return list(found.values())
