"""The two plots of the report, as inline SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from pipeline.drawing import ACCENT, NEUTRAL, QUIET, SECOND, STYLE, THIRD, canvas, svg
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from pipeline.metrics.base import Metric

CURVES = {"loss": ("training", ACCENT), "validation_loss": ("validation", SECOND)}
VALIDATION = "validation_"
"""Prefix of the metric that early stopping looked at, if there was one."""


def draw_history(history: Sequence[Mapping[str, float]]) -> str:
    """Training and validation loss over optimizer steps, and the metric that early stopping looked at, on an axis of its own.

    Returns:
        The drawing; an empty string without history.
    """
    curves = {key: [(row["step"], row[key]) for row in history if key in row and "step" in row] for key in CURVES}
    if not any(curves.values()):
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(7.2, 2.8)
        for key, points in curves.items():
            label, colour = CURVES[key]
            if points:
                axes.plot(*zip(*points, strict=True), label=label, color=colour, linewidth=1.8)
        axes.set_xlabel("optimizer step")
        axes.set_ylabel("loss (nats per token)")
        axes.grid(visible=True, axis="y", alpha=0.15, color=NEUTRAL)
        handles = [*axes.get_lines(), *_draw_metric(axes, history)]
        axes.legend(handles=handles, frameon=False)
        return svg(figure, "Loss over optimizer steps")


def _draw_metric(axes: Axes, history: Sequence[Mapping[str, float]]) -> list[Line2D]:
    """The curve of the metric that early stopping looked at; the y axis at the right is its own."""
    name = next((key for row in history for key in row if key.startswith(VALIDATION) and key not in CURVES), None)
    if name is None:
        return []
    metric, points = load_metric(name.removeprefix(VALIDATION)), [(row["step"], row[name]) for row in history if name in row]
    other = axes.twinx()
    other.spines["right"].set_visible(True)
    other.set_ylabel(f"{metric.title} ({'higher' if metric.higher_is_better else 'lower'} is better)")
    return other.plot(*zip(*points, strict=True), label=f"validation {metric.title}", color=THIRD, linewidth=1.8, linestyle="--")


def draw_systems(systems: Mapping[str, Mapping[str, Any]], order: Sequence[str], metric: Metric, title: str) -> str:
    """One bar per system with the interval of its score; the model, which comes first, is highlighted."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(7.2, 0.9 + 0.36 * len(order))
        for place, system in enumerate(order):
            said = systems[system][metric.name]
            axes.barh(place, said["value"], color=ACCENT if place == 0 else QUIET, height=0.62)
            axes.plot([said["low"], said["high"]], [place, place], color=NEUTRAL, linewidth=1.4)
            axes.annotate(
                metric.show(said["value"]),
                (max(said["high"], said["value"]), place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_yticks(range(len(order)), [name.replace("_", " ") for name in order])
        axes.invert_yaxis()
        axes.set_xlabel(f"{metric.title} ({'higher' if metric.higher_is_better else 'lower'} is better)")
        axes.tick_params(left=False)
        axes.spines["left"].set_visible(False)
        return svg(figure, title)
