"""Values of the ledger as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.registry.ledger_entry import LedgerEntry


def show_time(when: datetime) -> str:
    """A time in UTC, to the minute."""
    from datetime import UTC

    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"


def evidence(entry: LedgerEntry) -> str:
    """The report that was read, as `trainshed artifacts show evaluation` takes it."""
    report = entry.challenger.report
    return report.fingerprint[:12] if report else ""
