"""The launcher: its name is known, and what it needs is there.

Only the chosen launcher is checked: a machine without Docker or a cluster needs neither their clients nor Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor.base import Finding
from pipeline.launchers.base import launcher_record
from pipeline.lookup import load_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.doctor.base import Check
    from pipeline.settings import Settings


def check_launcher(settings: Settings) -> Iterator[Finding]:
    """Run the check that the chosen launcher's record names."""
    record = launcher_record(settings.launcher)
    if record.check is None:
        yield Finding("ok", f"{record.name}: {record.summary}")
        return
    check: Check = load_object(record.check)
    yield from check(settings)
