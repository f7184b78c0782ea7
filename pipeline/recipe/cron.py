"""Check the times of a schedule, cron expressions and time zone, the way Airflow will read them.

Airflow's own timetable checks it only when the DAG file is loaded, and then drops every DAG of that file. croniter, which Airflow
uses, also accepts six fields, random fields (``R``) and days that never come (31 February); this check does not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from pipeline.recipe.schedule import Schedule

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
"""Names that Airflow turns into cron expressions before it reads them."""

FIELDS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
EXPECTED = "five fields (minute hour day month weekday), or one of: " + ", ".join(PRESETS)


def check_times(schedule: Schedule, origin: str) -> None:
    """Check that each cron expression of a schedule has a next time, and that the time zone exists.

    Args:
        schedule: of a recipe.
        origin: name of the recipe in messages.

    Raises:
        BadInput: a field is not a cron expression, or it never fires, or there is no such time zone.
    """
    if schedule.cron is not None:
        check_cron(schedule.cron, "schedule.cron", origin)
    if schedule.new_data is not None:
        check_cron(schedule.new_data.every, "schedule.new_data.every", origin)
    try:
        ZoneInfo(schedule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise unknown_name(f"time zone in {origin}: schedule.time_zone", schedule.zone, available_timezones()) from error


def check_cron(expression: str, field: str, origin: str) -> None:
    """Check that a cron expression has a next time.

    Args:
        expression: five fields, or one of `PRESETS`.
        field: its place in the recipe.
        origin: name of the recipe in messages.

    Raises:
        BadInput: it is not a cron expression, or it never fires.
    """
    from croniter import CroniterBadCronError, CroniterBadDateError, croniter

    if expression in PRESETS:
        return
    shown = f"{origin}: {field} = {expression!r}"
    fields = expression.split()
    if len(fields) != FIELDS or any(part.upper().startswith(("R", "H")) for part in fields):
        raise BadInput(shown, EXPECTED, f"correct {field}")
    try:
        croniter(expression, START).get_next(datetime)
    except CroniterBadDateError as error:
        raise BadInput(f"{shown} never fires", "", f"correct {field}") from error
    except (CroniterBadCronError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(f"{shown}: {error}", EXPECTED, f"correct {field}") from error
