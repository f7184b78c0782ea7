"""The plot of the page of a corpus, as inline SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from pipeline.drawing import ACCENT, NEUTRAL, STYLE, canvas, svg

if TYPE_CHECKING:
    from pipeline.corpora.facts import CorpusFacts

BARS = 40


def draw_lengths(facts: CorpusFacts) -> str:
    """How long texts are: a histogram over lengths on a logarithmic scale.

    Returns:
        The drawing; an empty string without documents.
    """
    counted = facts.lengths.counts
    if not counted:
        return ""
    lengths = np.array([max(length, 1) for length in counted])
    edges = np.geomspace(lengths.min(), lengths.max() + 1, BARS + 1)
    heights, _ = np.histogram(lengths, edges, weights=np.array(list(counted.values())))
    with mpl.rc_context(STYLE):
        figure, axes = canvas(7.2, 2.2)
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=ACCENT)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
        axes.set_xlabel("characters of a text")
        axes.set_ylabel("documents")
        axes.grid(visible=True, axis="y", alpha=0.15, color=NEUTRAL)
        return svg(figure, "Lengths of texts")
