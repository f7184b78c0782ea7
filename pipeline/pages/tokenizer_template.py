"""The HTML of the page of a tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from pipeline.pages.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.manifest import Manifest
    from pipeline.pages.tokenizer_pages import Compared

MORE = """
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem; padding: 1rem 1.2rem; }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.2; } .tiles span { color: var(--soft); font-size: .85rem; }
th.number { white-space: normal; vertical-align: bottom; } .bar { min-width: 6rem; width: 14%; }
.bar i { display: block; height: .7rem; border-radius: 3px; background: var(--accent); }
.bar i + i { background: var(--soft); opacity: .5; margin-top: 2px; height: .35rem; }
.better { color: var(--good); } .worse { color: var(--bad); } td small { color: var(--soft); display: block; }
.words { columns: 14rem; padding: .8rem 1.2rem; } .words div { break-inside: avoid; } .words i { color: var(--accent); font-style: normal; padding: 0 .15rem; }
"""

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Tokenizer of {{ name }}</title>
<style>{{ style }}</style></head>
<body><main>
<h1>Tokenizer of {{ name }}</h1>
<p class="soft">tokens {{ tokens.fingerprint[:12] }}/{{ tokens.digest[:12] }}, made {{ tokens.provenance.finished.strftime("%Y-%m-%d %H:%M") }} UTC by {{ tokens.provenance.run }}</p>
<div class="card tiles">
<div><b>{{ "{:,}".format(report.vocabulary.size) }}</b><span>tokens in the vocabulary</span></div>
{% set whole = report.rows[0] %}
<div><b>{{ number(whole.bytes_per_token.value, 2) }}</b><span>bytes per token in {{ whole.split }}</span></div>
<div><b>{{ number(whole.tokens_per_word.value, 2) }}</b><span>tokens per word</span></div>
<div><b>{{ percent(whole.split_words.value) }}</b><span>of the words are split</span></div>
<div><b>{{ percent(report.vocabulary.used_in_sample) }}</b><span>of the vocabulary occurs in the sample</span></div>
</div>
{% if same == 1 %}
<p>The champion has the same tokenizer.</p>
{% elif same == 0 and others[whole.key] %}
{% set change = others[whole.key] %}
<p>On the same texts it makes <b class="{{ "better" if change.tokens < 1 else "worse" }}">{{ change_of(change.tokens) }}</b> tokens than the champion's tokenizer
{% if change.low is not none %}(95 % interval: {{ signed(change.low) }} to {{ signed(change.high) }}){% endif %}.</p>
{% else %}
<p class="soft">There was no champion to compare it with.</p>
{% endif %}
{% macro table(rows, title) %}
{% if rows %}
{% set most = rows | map(attribute="bytes_per_token.value") | select("number") | max %}
<h2>{{ title }}</h2>
<div class="card"><table>
<tr><th>{{ rows[0].of if rows[0].name else "split" }}</th><th class="number">documents</th><th class="number">bytes per token</th><th class="bar"></th>
<th class="number">characters per token</th><th class="number">tokens per word</th><th class="number">split words</th><th class="number">unknown</th>
{% if same == 0 %}<th class="number">champion: bytes per token</th><th class="number">champion: split words</th><th class="number">tokens, to champion's</th>{% endif %}</tr>
{% for row in rows %}
{% set other = others[row.key] %}
<tr><td>{{ row.name or row.split }}</td><td class="number">{{ "{:,}".format(row.documents) }}</td>
<td class="number">{{ number(row.bytes_per_token.value, 2) }}<small>{{ between(row.bytes_per_token, 2) }}</small></td>
<td class="bar">{% if row.bytes_per_token.value and most %}<i style="width: {{ "%.1f" | format(100 * row.bytes_per_token.value / most) }}%"></i>
{% if other %}<i style="width: {{ "%.1f" | format([100, 100 * other.bytes_per_token / most] | min) }}%"></i>{% endif %}{% endif %}</td>
<td class="number">{{ number(row.characters_per_token.value, 2) }}</td>
<td class="number">{{ number(row.tokens_per_word.value, 2) }}</td>
<td class="number">{{ percent(row.split_words.value) }}<small>{{ between(row.split_words, 1, 100) }}</small></td>
<td class="number">{{ percent(row.unknown.value) }}</td>
{% if same == 0 %}
<td class="number">{{ number(other.bytes_per_token, 2) if other }}</td><td class="number">{{ percent(other.split_words) if other }}</td>
<td class="number">{% if other %}<span class="{{ "better" if other.tokens < 1 else "worse" if other.tokens > 1 }}">{{ signed(other.tokens) }}</span>{% endif %}</td>
{% endif %}</tr>
{% endfor %}
</table></div>
{% endif %}
{% endmacro %}
{{ table(report.rows | selectattr("of", "equalto", "all") | list, "Splits") }}
{{ table(report.rows | selectattr("of", "equalto", "language") | list, "Languages in train") }}
{{ table(report.rows | selectattr("of", "equalto", "group") | list, "Groups in train") }}
{% if report.split_words %}
<h2>Words that cost the most tokens</h2>
<p class="soft">Split words of the training texts, with the number of sampled texts that have them.</p>
<div class="card words">{% for word in report.split_words %}<div>{% for piece in word.pieces %}{{ piece }}{% if not loop.last %}<i>|</i>{% endif %}{% endfor %}
<span class="soft">{{ word.texts }}</span></div>{% endfor %}</div>
{% endif %}
<p class="soft">All figures are of a sample, chosen by digests of the documents: the first {{ "{:,}".format(report.characters_of_a_text) }} characters of each text.
Small figures are 95 % intervals over documents. A word is a run of letters and digits; scripts without spaces have none.</p>
</main></body></html>
"""

NONE = "\u2013"
"""What a figure is shown as that does not exist."""


def render(name: str, tokens: Manifest, report: Mapping[str, Any], others: Mapping[str, Compared | None], same: float | None) -> str:
    """The page.

    Args:
        name: what people call the tokenizer.
        tokens: manifest of the tokens.
        report: the content of the report.
        others: how the champion's tokenizer does, by the key of a row.
        same: 1 if the champion has the same tokenizer, 0 if another one, None if there was no champion.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"number": _number, "percent": _percent, "between": _between, "signed": _signed, "change_of": _change}
    return environment.from_string(TEMPLATE).render(name=name, tokens=tokens, report=report, others=others, same=same, style=STYLE + MORE)


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


def _between(figure: Mapping[str, float | None], digits: int, times: int = 1) -> str:
    low, high = figure["low"], figure["high"]
    return "" if low is None or high is None else f"{times * low:.{digits}f} to {times * high:.{digits}f}"


def _signed(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"


def _change(ratio: float) -> str:
    return f"{100 * abs(ratio - 1):.1f} % {'fewer' if ratio < 1 else 'more'}"
