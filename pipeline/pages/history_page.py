"""The page of one model's history: a plot of its quality over time, and every decision that measured something."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from jinja2 import Environment, StrictUndefined
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from pipeline.drawing import ACCENT, NEUTRAL, QUIET, STYLE, canvas, svg
from pipeline.metrics.load_metric import load_metric
from pipeline.pages.style import STYLE as PAGE_STYLE
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.model_status import decided_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.metrics.base import Metric
    from pipeline.registry.quality import Judged, Served

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ model }}: history</title>
<style>{{ style }}</style></head>
<body><main>
<h1>{{ model }}: quality over time</h1>
<p class="soft">{{ rows | length }} decisions of the gate, written {{ written }} UTC. Each point is one version on the test set of its decision.
A dashed line marks another test set: values on both sides of it are not comparable.</p>
{% for title, drawing in plots %}
<h2>{{ title }}</h2>
<div class="card">{{ drawing | safe }}</div>
{% endfor %}
<h2>Decisions</h2>
<div class="card"><table>
<tr><th class="number">entry</th><th>time</th><th>decision</th><th class="number">version</th><th>metric</th><th class="number">value</th>
<th class="number">champion then</th><th>who</th></tr>
{% for row in rows %}
<tr><td class="number">{{ row.entry.number }}</td><td class="keep">{{ row.entry.time.strftime("%Y-%m-%d %H:%M") }}</td>
<td class="{{ row.entry.decision.value }}">{{ row.entry.decision.value.replace("_", " ") }}</td>
<td class="number">{{ row.entry.challenger.version }}</td><td>{{ row.quality.metric }}</td>
<td class="number">{{ shown(row.quality.metric, row.quality.value) }}</td><td class="number">{{ shown(row.quality.metric, row.champion) }}</td>
<td>{{ who(row.entry) }}</td></tr>
{% endfor %}
</table></div>
</main></body></html>
"""


def render_history(model: str, found: Sequence[Judged], champions: Sequence[Served], written: datetime | None = None) -> str:
    """Render the page.

    Args:
        model: the registered name.
        found: its decisions, oldest first, at least one.
        champions: its champions, oldest first.
        written: the time that the page names; by default now.
    """
    names = dict.fromkeys(row.quality.metric for row in found)
    plots = [(load_metric(name).title, _draw(model, load_metric(name), found, champions)) for name in names]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE).render(
        model=model,
        style=PAGE_STYLE,
        written=f"{written or datetime.now(UTC):%Y-%m-%d %H:%M}",
        plots=plots,
        rows=list(reversed(found)),
        shown=_show,
        who=decided_by,
    )


def _show(metric: str, value: float | None) -> str:
    return "" if value is None else load_metric(metric).show(value, more=1)


def _day(when: datetime) -> float:
    """A time as matplotlib counts it."""
    return float(date2num(when))


def _draw(model: str, metric: Metric, every: Sequence[Judged], champions: Sequence[Served]) -> str:
    """The challengers as points, the promoted ones filled, and the champion's value as steps."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(9.0, 3.2)
        found = [row for row in every if row.quality.metric == metric.name]
        promoted = [row for row in found if row.entry.decision is Outcome.PROMOTED]
        others = [row for row in found if row.entry.decision is not Outcome.PROMOTED]
        steps = [(_day(each.time), each.quality.value) for each in champions if each.quality.metric == metric.name]
        if steps:
            end = (max(_day(found[-1].entry.time), steps[-1][0]), steps[-1][1])
            axes.step(*zip(*steps, end, strict=True), where="post", color=ACCENT, linewidth=1.8, label="champion")
        for rows, options in ((promoted, {"color": ACCENT}), (others, {"facecolors": "none", "edgecolors": QUIET})):
            label = "promoted" if rows is promoted else "not promoted"
            if rows:
                points: dict[str, Any] = {"s": 36, "zorder": 3, "label": label, **options}
                axes.scatter([_day(row.entry.time) for row in rows], [row.quality.value for row in rows], **points)
        for before, row in pairwise(found):
            if row.test_set and before.test_set and row.test_set != before.test_set:
                axes.axvline(_day(row.entry.time), color=NEUTRAL, linestyle="--", linewidth=0.8, alpha=0.6)
        axes.set_ylabel(f"{metric.title} ({'higher' if metric.higher_is_better else 'lower'} is better)")
        axes.grid(visible=True, axis="y", alpha=0.15, color=NEUTRAL)
        locator = AutoDateLocator()
        axes.xaxis_date()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.legend(frameon=False)
        return svg(figure, f"{metric.title} of {model} over time")
