"""Plots as inline SVG.

Matplotlib names clip paths with a random salt and records the date; both are fixed here, so that equal numbers give equal bytes.
Text stays text, and neutral lines use ``currentColor``, so that a plot follows the page into dark mode.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEUTRAL = "#010203"
"""Placeholder for ``currentColor``, which matplotlib does not know: a colour that no plot uses otherwise."""

ACCENT, SECOND, THIRD, QUIET = "#2f6feb", "#d9822b", "#3d9a50", "#8a94a6"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "trainshed",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": NEUTRAL,
    "axes.edgecolor": NEUTRAL,
    "axes.labelcolor": NEUTRAL,
    "xtick.color": NEUTRAL,
    "ytick.color": NEUTRAL,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A transparent figure, in inches, with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def svg(figure: Figure, title: str) -> str:
    """The bare ``<svg>`` element."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    drawing = buffer.getvalue()
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL).replace(NEUTRAL, "currentColor")
    # a fixed width in points would not shrink on a narrow screen; the viewBox keeps the proportions
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r'\1 width="100%"', re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1), count=1
    )
