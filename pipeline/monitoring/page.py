"""`monitor.html`: the looks at a model as one page without outside resources: what was found last, and the trend."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pipeline.monitoring.features import FEATURES
from pipeline.registry.decision_page import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.monitoring.look import Check, Look, Shift

FEATURE_HEAD = ("feature", "meaning", "distance", "p", "median of the corpus", "median of the window", "verdict")
LOOK_HEAD = ("time (UTC)", "verdict", "texts", "run", "retraining")

SHOWN = 60
"""Looks in the table and in the trend."""

WIDTH, HEIGHT = 600, 80
MORE_STYLE = (
    "h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; } svg { width: 100%; height: 5rem; } path { fill: none; stroke: currentColor; } "
    "path.band { fill: currentColor; fill-opacity: .15; stroke: none; }\n"
)
MEANINGS = {**FEATURES, "content": "words and trigrams: how like the window a text looks to a classifier"}


def render_looks(looks: Sequence[Look]) -> str:
    """Render the page.

    Args:
        looks: newest first; at least one. The same looks give the same bytes.
    """
    last, shown = looks[0], looks[:SHOWN]
    title = f"{last.model}: {verdict(last)}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>Looked at {last.time:%Y-%m-%d %H:%M} UTC by {escape(last.run)}. {escape(next_step(last))}</p>",
        _card([("what", "found", "measured", "interval", "limit"), *map(_check_row, last.checks)]),
    ]
    if last.shifts:
        body += [f"<h2>Served texts against the corpus: {last.texts}</h2>", _card([FEATURE_HEAD, *map(_shift_row, last.shifts)])]
    body += _trends(shown)
    body += ["<h2>Looks, newest first</h2>", _card([LOOK_HEAD, *map(_look_row, shown)])]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n' + "\n".join(body) + "\n</main></body></html>\n"


def verdict(look: Look) -> str:
    """What a look found, in a few words."""
    crossed = [check.name for check in look.checks if check.crossed]
    if look.champion is None:
        return "no champion"
    return f"{', '.join(crossed)} beyond the limit" if crossed else "within all limits"


def next_step(look: Look) -> str:
    """Whether a retraining was asked for, as a sentence; empty if none is needed."""
    if look.event:
        return "A retraining was asked for."
    if look.held_back_until:
        return f"No retraining is asked for before {look.held_back_until:%Y-%m-%d %H:%M} UTC: cool-down."
    return "A retraining is due; this look asked for none." if look.due else ""


def _shift_row(shift: Shift) -> tuple[str, ...]:
    numbers = (f"{shift.distance:.3f}", f"{shift.p:.2g}", number(shift.before), number(shift.now))
    return shift.feature, MEANINGS.get(shift.feature, ""), *numbers, "differs" if shift.crossed else "alike"


def _look_row(look: Look) -> tuple[str, ...]:
    return f"{look.time:%Y-%m-%d %H:%M}", verdict(look), str(look.texts), look.run, next_step(look)


def _check_row(check: Check) -> tuple[str, ...]:
    return check.name, check.says, number(check.value), between(check), number(check.limit)


def between(check: Check) -> str:
    """The interval of a check's value for people; empty if it has none."""
    return "" if check.low is None or check.high is None else f"{number(check.low)} to {number(check.high)}"


def number(value: float | None) -> str:
    """A measured value for people; empty if there is none."""
    return "" if value is None else f"{value:.3g}"


def _trends(looks: Sequence[Look]) -> list[str]:
    """A line for each check that has values in at least two looks, oldest first."""
    names = dict.fromkeys(check.name for look in looks for check in look.checks if check.value is not None)
    parts = []
    for name in names:
        checks = [check for look in reversed(looks) for check in look.checks if check.name == name and check.value is not None]
        if len(checks) > 1:
            parts += [f"<h2>Trend of {escape(name)}</h2>", f'<div class="card">{_line(checks)}</div>']
    return parts


def _line(checks: Sequence[Check]) -> str:
    """An SVG line from the oldest to the newest value; the limit is dashed, and grey is the interval."""
    values, limit = [check.value or 0.0 for check in checks], checks[-1].limit
    ends = [
        (value, value) if check.low is None or check.high is None else (check.low, check.high)
        for value, check in zip(values, checks, strict=True)
    ]
    shown = [*values, 0.0 if limit is None else limit, *(end for pair in ends for end in pair)]
    bottom, top = min(0.0, *shown), max(shown)
    size = top - bottom or 1.0

    def y(value: float) -> float:
        return round(HEIGHT * (1 - 0.95 * (value - bottom) / size), 1)

    step = WIDTH / (len(values) - 1)

    def points(heights: Iterable[float]) -> list[str]:
        return [f"{round(place * step, 1)},{y(value)}" for place, value in enumerate(heights)]

    band = [*points(low for low, _ in ends), *reversed(points(high for _, high in ends))]
    area = f'<path class="band" d="M{" ".join(band)} Z"/>' if any(low != high for low, high in ends) else ""
    dashed = f'<path d="M0,{y(limit)} H{WIDTH}" stroke-dasharray="4"/>' if limit is not None else ""
    label = f"from {number(values[0])} to {number(values[-1])}" + (f", limit {number(limit)}" if limit is not None else "")
    drawn = f'{area}<path d="M{" ".join(points(values))}"/>{dashed}'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"><title>{label}</title>{drawn}</svg><p>{label}</p>'


def _card(rows: Iterable[Sequence[str]]) -> str:
    """A table; the first row is its heading."""
    lines = []
    for place, row in enumerate(rows):
        tag = "td" if place else "th"
        lines.append("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>")
    return '<div class="card"><table>\n' + "\n".join(lines) + "\n</table></div>"
