"""A small drawing of a few numbers, as inline SVG. It needs no library: pages are also written where Airflow runs, without matplotlib."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 144.0, 36.0, 4.0


def draw_spark(values: Sequence[float], filled: Sequence[bool], title: str) -> str:
    """A line through the values, from left to right, with a point for each.

    Args:
        values: at least one.
        filled: which points are filled; the others are rings.
        title: what a screen reader says, and a browser beside the pointer.
    """
    low, high = min(values), max(values)
    across = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    places = [
        (
            round(EDGE + index * across, 1),
            round(HEIGHT / 2 if high == low else HEIGHT - EDGE - (value - low) / (high - low) * (HEIGHT - 2 * EDGE), 1),
        )
        for index, value in enumerate(values)
    ]
    line = " ".join(f"{x:g},{y:g}" for x, y in places)
    points = "".join(
        f'<circle cx="{x:g}" cy="{y:g}" r="2.5" fill="{"var(--accent)" if full else "var(--card)"}" stroke="var(--accent)"/>'
        for (x, y), full in zip(places, filled, strict=True)
    )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"><title>{escape(title)}</title>'
        f'<polyline points="{line}" fill="none" stroke="var(--soft)" stroke-width="1.2"/>{points}</svg>'
    )
