"""The report of a study as one HTML page, without scripts or outside resources, for light and dark mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from pipeline.experiments.budget import spent
from pipeline.experiments.plots import draw_cost, draw_importance, draw_parallel
from pipeline.experiments.space import experiment_of
from pipeline.experiments.summary import objective_title, set_options, show_objective, show_value, trial_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.experiments.records import Ask, Closed, Tell
    from pipeline.recipe import Recipe

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ study }}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --card: #ffffff; --back: #f5f6f9; --accent: #2f6feb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b8; --line: #2e3644; --card: #1a1f29; --back: #12161d; --accent: #6ea0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .3rem; }
p { margin: .3rem 0 .8rem; } .soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin: .8rem 0; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; } .tile span { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; } .text { text-align: left; white-space: normal; }
tr.main td { font-weight: 600; color: var(--accent); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--back); border-radius: 6px; padding: .7rem; margin: .5rem 0; font-size: .85rem; }
svg { max-width: 100%; height: auto; display: block; } svg text { font-family: system-ui, sans-serif !important; }
</style>
</head>
<body><main>
<h1>Experiment {{ study }}</h1>
<p class="soft">{{ trials }} trials of the recipe {{ recipe }} by {{ method }}, compared by {{ objective }} on the validation split. No test split was read. {{ reason }}</p>
<div class="card tiles">
<div class="tile"><b>{{ best }}</b><span>{{ objective }}, trial {{ best_trial }}</span></div>
<div class="tile"><b>{{ "%.2f" | format(total.hours) }}</b><span>hours of steps</span></div>
<div class="tile"><b>{{ "{:,.0f}".format(total.tokens) }}</b><span>tokens trained on</span></div>
{% if total.cost %}
<div class="tile"><b>{{ "%.2f" | format(total.cost) }}</b><span>cost by the prices of the machine sizes</span></div>
{% endif %}
</div>
{% if options %}
<p>Train, test and register the best trial. What the experiment trained is not trained again:</p>
<pre>trainshed run {{ recipe }} {{ options }}</pre>
<p class="soft">The best of many trials looks better on the validation split than it is. The test split, which no trial saw, tells how good it is.</p>
{% endif %}
{% for title, meaning, drawing in plots if drawing %}
<h2>{{ title }}</h2>
<p class="soft">{{ meaning }}</p>
<div class="card">{{ drawing | safe }}</div>
{% endfor %}
<h2>Trials</h2>
<div class="card"><table>
<tr><th>trial</th>{% for field in fields %}<th>{{ field }}</th>{% endfor %}<th>{{ objective }}</th><th>steps</th><th>minutes</th>{% if total.cost %}<th>cost</th>{% endif %}<th class="text">end</th></tr>
{% for row in rows %}
<tr{% if row.trial == best_trial %} class="main"{% endif %}><td>{{ row.trial }}</td>{% for field in fields %}<td>{{ show_value(row.values[field]) }}</td>{% endfor %}<td>{{ show_objective(row.value) }}</td><td>{{ row.steps or "" }}</td><td>{{ "%.1f" | format(60 * row.spent.hours) }}</td>{% if total.cost %}<td>{{ "%.3g" | format(row.spent.cost) }}</td>{% endif %}<td class="text">{{ row.reason or ("trained to its end" if row.last_rung else "stopped at a rung") }}</td></tr>
{% endfor %}
</table></div>
</main></body>
</html>
"""


def render_report(recipe: Recipe, study: str, asks: Mapping[int, Ask], tells: Mapping[int, Tell], closed: Closed) -> str:
    """Render the report.

    Args:
        recipe: the recipe of the study.
        study: its name.
        asks: what was asked, by number.
        tells: what came of it, by number of the ask.
        closed: how it ended.
    """
    rows = trial_rows(recipe, asks, tells)
    best = next((row for row in rows if row.trial == closed.best), None)
    experiment = experiment_of(recipe)
    plots = (
        (
            "Values and objective",
            "One line is one trial; the best one is blue. One that stopped at a rung has the value that it had there.",
            draw_parallel(recipe, rows),
        ),
        ("Which fields matter", "An estimate from few trials: it says where to look, not how it is.", draw_importance(recipe, rows)),
        ("Quality and cost", "One point is one trial. The line is the best that so much could buy.", draw_cost(recipe, rows)),
    )
    return (
        Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        .from_string(TEMPLATE)
        .render(
            study=study,
            recipe=recipe.name,
            method=experiment.method,
            trials=len(rows),
            objective=objective_title(recipe),
            reason=closed.reason,
            best=show_objective(recipe, closed.value) or "no trial",
            best_trial=closed.best,
            options=set_options(best.values) if best else "",
            total=spent(tells.values()),
            fields=list(experiment.search),
            rows=rows,
            plots=plots,
            show_value=show_value,
            show_objective=lambda value: show_objective(recipe, value),
        )
    )
