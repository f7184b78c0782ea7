"""The HTML of the page to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from pipeline.pages.costs import DAYS
from pipeline.pages.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.pages.index import ModelRow

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Trainshed</title>
<style>{{ style }}</style></head>
<body><main>
<h1>Models</h1>
<p class="soft">{{ store }}, written {{ written.strftime("%Y-%m-%d %H:%M") }} UTC &middot; <a href="{{ airflow }}">Airflow</a> &middot;
<a href="{{ mlflow }}">MLflow</a></p>
{% set asked = rows | selectattr("status.waiting") | list %}
{% if asked %}
<h2>Waiting for people</h2>
<div class="card"><table>
<tr><th>model</th><th>version</th><th>approved</th><th>may answer</th><th>until</th><th></th></tr>
{% for row in asked %}
{% set waiting = row.status.waiting %}
<tr><td>{{ row.status.model }}</td>
<td><a href="{{ mlflow }}/#/models/{{ row.status.model }}/versions/{{ waiting.proposal.challenger.version }}">{{ waiting.proposal.challenger.version }}</a></td>
<td><span class="ask">{{ waiting.approved | length }} of {{ waiting.people }}</span>{% if waiting.approved %} ({{ waiting.approved | join(", ") }}){% endif %}</td>
<td>{{ waiting.may_answer | join(", ") or "nobody" }}</td>
<td class="keep">{{ waiting.expires.strftime("%Y-%m-%d") if waiting.expires }}</td>
<td class="keep"><a href="{{ airflow }}/dags/{{ row.asks_in }}/required_actions?response_received=false">answer in Airflow</a></td></tr>
{% endfor %}
</table></div>
{% endif %}
<h2>Champions</h2>
<div class="card"><table>
{% set watched = rows | selectattr("look") | list %}
<tr><th>model</th><th>champion</th><th>quality over time</th>{% if watched %}<th>monitor</th>{% endif %}<th>newest decision</th><th>last runs</th>
{% set priced = rows | selectattr("costs") | list %}
{% if priced %}<th class="number" title="hours of the steps times the prices of their machine sizes">cost</th>{% endif %}</tr>
{% for row in rows %}
{% set status = row.status %}
{% set newest = status.recent[0] %}
<tr><td><a href="{{ mlflow }}/#/models/{{ status.model }}">{{ status.model }}</a>
{% for recipe in row.recipes %}<br><a class="soft" href="{{ airflow }}/dags/{{ recipe }}">DAG {{ recipe }}</a>
{% if recipe in data %}<a class="soft" href="{{ data[recipe] }}">data</a>{% endif %}
{% if recipe in tokenizers %}<a class="soft" href="{{ tokenizers[recipe] }}">tokenizer</a>{% endif %}{% endfor %}</td>
<td class="keep">{% if status.champion %}
<a href="{{ mlflow }}/#/models/{{ status.model }}/versions/{{ status.champion.challenger.version }}">version {{ status.champion.challenger.version }}</a>
{% if row.forgotten %}<br><span class="ask">made from documents that are to be forgotten</span>{% endif %}
<br>{{ status.quality or "" }}<br><span class="soft">since {{ status.champion.time.strftime("%Y-%m-%d") }}</span>
{% else %}<span class="soft">none</span>{% endif %}</td>
<td>{{ row.spark | safe }}</td>
{% if watched %}
<td>{% if row.look %}{% for check in row.look.checks if check.crossed %}<div class="ask">{{ check.name }}: {{ check.says }}</div>
{% else %}in order<br>{% endfor %}<span class="soft">{{ row.look.time.strftime("%Y-%m-%d %H:%M") }}</span>{% endif %}</td>
{% endif %}
<td><span class="{{ newest.decision.value }}">{{ newest.decision.value.replace("_", " ") }}</span> version {{ newest.challenger.version }}
<br><span class="soft">{{ newest.time.strftime("%Y-%m-%d %H:%M") }}, entry {{ newest.number }}</span></td>
<td>{% for run in row.runs %}
<div class="keep"><a href="{{ mlflow }}/#/experiments/{{ run.experiment }}/runs/{{ run.id }}">{{ run.started.strftime("%Y-%m-%d %H:%M") }}</a>
<span class="{{ run.status | lower }}">{{ run.status | lower }}</span>{% if run.seconds is not none %} <span class="soft">{{ lasted(run.seconds) }}</span>{% endif %}</div>
{% endfor %}</td>
{% if priced %}
<td class="number">{% if row.costs %}{% if row.costs.last is not none %}{{ amount(row.costs.last) }} <span class="soft">last run</span><br>
{% endif %}{{ amount(row.costs.recent) }} <span class="soft">{{ days }} days</span>
{% if row.costs.unpriced %}<br><span class="soft">without {{ row.costs.unpriced | join(", ") }}</span>{% endif %}{% endif %}</td>
{% endif %}</tr>
{% else %}
<tr><td colspan="5" class="soft">No model was decided about yet: trainshed run RECIPE</td></tr>
{% endfor %}
</table></div>
{% if untrained %}
<p class="soft">Recipes without a decision yet: {{ untrained | join(", ") }}</p>
{% endif %}
</main></body></html>
"""


def render(
    rows: Sequence[ModelRow],
    untrained: Sequence[str],
    airflow: str,
    mlflow: str,
    store: str,
    written: datetime,
    data: Mapping[str, str] | None = None,
    tokenizers: Mapping[str, str] | None = None,
) -> str:
    """Render the page.

    Args:
        rows: the models that were decided about.
        untrained: recipes whose model was never decided about.
        airflow: URL of Airflow, as a browser reaches it.
        mlflow: URL of MLflow, as a browser reaches it.
        store: address of the store.
        written: the time that the page names.
        data: name of the page of a recipe's corpus, by recipe.
        tokenizers: name of the page of a recipe's tokenizer, by recipe.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE).render(
        rows=rows,
        untrained=untrained,
        airflow=airflow.rstrip("/"),
        mlflow=mlflow.rstrip("/"),
        store=store,
        written=written,
        style=STYLE,
        lasted=_lasted,
        amount=_amount,
        days=DAYS,
        data=data or {},
        tokenizers=tokenizers or {},
    )


def _amount(cost: float) -> str:
    """A cost with two decimals, or two digits where it is small."""
    return f"{cost:.2f}" if cost >= 0.1 or not cost else f"{cost:.2g}"


def _lasted(seconds: float) -> str:
    """A duration with one unit, e.g. ``34 s`` or ``2.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
