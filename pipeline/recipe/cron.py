"""Check a cron expression the way Airflow will read it.

Airflow's own timetable checks it only when the DAG file is loaded, and then drops every DAG of that file. croniter, which Airflow
uses, also accepts six fields, random fields (``R``) and days that never come (31 February); this check does not.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.errors import BadInput

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
"""Names that Airflow turns into cron expressions before it reads them."""

FIELDS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
EXPECTED = "five fields (minute hour day month weekday), or one of: " + ", ".join(PRESETS)


def check_cron(expression: str, origin: str) -> None:
    """Check that a cron expression has a next time.

    Args:
        expression: five fields, or one of `PRESETS`.
        origin: name of the recipe in messages.

    Raises:
        BadInput: it is not a cron expression, or it never fires.
    """
    from croniter import CroniterBadCronError, CroniterBadDateError, croniter

    if expression in PRESETS:
        return
    shown = f"{origin}: schedule.cron = {expression!r}"
    fields = expression.split()
    if len(fields) != FIELDS or any(field.upper().startswith(("R", "H")) for field in fields):
        raise BadInput(shown, EXPECTED, "correct schedule.cron")
    try:
        croniter(expression, START).get_next(datetime)
    except CroniterBadDateError as error:
        raise BadInput(f"{shown} never fires", "", "correct schedule.cron") from error
    except (CroniterBadCronError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(f"{shown}: {error}", EXPECTED, "correct schedule.cron") from error
