"""The Jinja template of `report.html`: one page without scripts or outside resources, for light and dark mode."""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ model.title }}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --card: #ffffff; --back: #f5f6f9; --accent: #2f6feb; --good: #1a7f4b; --bad: #b3402e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b8; --line: #2e3644; --card: #1a1f29; --back: #12161d; --accent: #6ea0ff; --good: #4fc78a; --bad: #f08a76; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .3rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .3rem 0 .8rem; } .soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin: .8rem 0; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; } .tile span { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; font-size: .9rem; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; } th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 9rem; }
tr.main td { font-weight: 600; color: var(--accent); } td small { display: block; font-weight: 400; color: var(--soft); }
th small { display: block; font-weight: 400; color: var(--soft); } .left { text-align: left; } .tile.main b { color: var(--accent); }
.up { color: var(--good); } .down { color: var(--bad); }
details { border-top: 1px solid var(--line); padding: .6rem 0; } details:first-of-type { border-top: 0; } summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--back); border-radius: 6px; padding: .7rem; margin: .5rem 0; font-size: .85rem; max-height: 16rem; overflow-y: auto; }
dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .25rem .9rem; margin: .5rem 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; } dd small { color: var(--soft); }
dt.main, dd.main { color: var(--accent); font-weight: 600; }
table.near td { white-space: normal; vertical-align: top; overflow-wrap: anywhere; } table.near td:first-child { width: 32%; }
table.near span { display: inline-block; margin-right: 1rem; } table.near small { display: inline; margin-left: .3rem; }
svg { max-width: 100%; height: auto; display: block; } svg text { font-family: system-ui, sans-serif !important; }
</style>
</head>
<body><main>
<h1>{{ model.title }}</h1>
<p class="soft">{{ model.sentence }}</p>
{% if curves %}
<h2>Learning</h2>
<p class="soft">Loss on what the model trained on, and on the validation split, which it never trained on. When the second rises while the first falls, the model begins to memorise. A dashed curve is the metric that early stopping looked at.</p>
<div class="card">{{ curves | safe }}</div>
{% endif %}
{% for split in splits %}
{% set systems = split.summary.systems %}
{% set grouped = split.summary.groups < split.summary.examples %}
<h2>{{ split.title }} split</h2>
<p class="soft">{{ split.meaning }}</p>
<div class="card tiles">
{% for metric in split.metrics %}
<div class="tile{% if metric.name == primary.name %} main{% endif %}"><b>{{ metric.show(systems[main][metric.name].value) }}</b><span>{{ metric.title }}, {{ metric.show(systems[main][metric.name].low) }} to {{ metric.show(systems[main][metric.name].high) }}{% if metric.name in systems.get(untrained, {}) %}; untrained {{ metric.show(systems[untrained][metric.name].value) }}{% endif %}</span></div>
{% endfor %}
{% if split.summary.texts is defined %}
<div class="tile"><b>{{ "%.0f" | format(100 * split.summary.texts[main].distinct) }} %</b><span>distinct answers (references {{ "%.0f" | format(100 * split.summary.texts.references.distinct) }} %)</span></div>
<div class="tile"><b>{{ "%.0f" | format(split.summary.texts[main].characters) }}</b><span>characters in an answer (references {{ "%.0f" | format(split.summary.texts.references.characters) }})</span></div>
{% endif %}
<div class="tile"><b>{{ "{:,}".format(split.summary.examples) }}</b><span>examples{% if grouped %} in {{ "{:,}".format(split.summary.groups) }} groups{% endif %}</span></div>
</div>
<div class="card">{{ split.bars | safe }}</div>
<div class="card"><table>
<caption>“Model ahead” is how far the model is better in {{ primary.title }} on the same examples. Small figures are 95 % intervals from {{ "{:,}".format(params.resamples) }} paired resamples of {{ "{:,}".format(split.summary.groups) }} {{ "groups, because examples of one group resemble each other" if grouped else "examples" }}. If an interval of “model ahead” does not contain zero, the difference is hardly an accident of the sample.{% if split.few_groups %} <b>So few groups give intervals that are too narrow.</b>{% endif %}</caption>
<tr><th>system</th><th>model ahead</th>{% for metric in split.columns %}<th>{{ metric.title }}{% if not metric.higher_is_better %}<small>lower is better</small>{% endif %}</th>{% endfor %}{% if split.summary.texts is defined %}<th>distinct</th>{% endif %}</tr>
{% for system in split.order %}
{% set said = systems[system] %}
<tr{% if system == main %} class="main"{% endif %}><td>{{ system | replace("_", " ") }}<small>{{ descriptions[system] }}</small></td>
<td>{% if system != main and primary.name in said %}{% set ahead = said[primary.name].model_ahead %}<span class="{{ 'up' if ahead.low > 0 else 'down' if ahead.high < 0 else '' }}">{{ primary.show(ahead.value, signed=true) }}</span><small>{{ primary.show(ahead.low, signed=true) }} to {{ primary.show(ahead.high, signed=true) }}</small>{% endif %}</td>
{% for metric in split.columns %}<td>{% if metric.name in said %}{% set figure = said[metric.name] %}{{ metric.show(figure.value) }}<small>{{ metric.show(figure.low) }} to {{ metric.show(figure.high) }}</small>{% endif %}</td>{% endfor %}
{% if split.summary.texts is defined %}<td>{{ "%.0f" | format(100 * split.summary.texts[system].distinct) }} %</td>{% endif %}</tr>
{% endfor %}
</table></div>
<details><summary class="soft">What the metrics mean</summary>
{% for metric in split.metrics %}<p class="soft">{{ metric.meaning }}</p>
{% endfor %}
<p class="soft">Baselines learned from {{ "{:,}".format(baselines.known) }} training documents{% if baselines.known == baselines.limit %}, a sample that a hash chose{% endif %}.</p>
</details>
{% if split.summary.confusions is defined and split.summary.confusions %}
<h3>Confused {{ split.confused }}</h3>
<div class="card"><table>
<caption>What the model answered instead of the expected one, the most frequent pairs first.</caption>
<tr><th>expected</th><th class="left">answered</th><th>times</th><th>of the expected one</th></tr>
{% for row in split.summary.confusions %}
<tr><td>{{ row.expected }}</td><td class="left">{{ row.answered }}</td><td>{{ row.count }}</td><td>{{ "%.0f" | format(100 * row.count / row.of) }} % of {{ row.of }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% if split.summary.residuals is defined %}
{% set residuals = split.summary.residuals %}
<h3>Errors</h3>
<div class="card"><table>
<caption>Answer minus reference. Half of the errors are between the 25 % and the 75 % column; the largest is {{ "%.4g" | format(residuals.largest) }} from zero.</caption>
<tr><th>mean</th>{% for share in residuals.quantiles %}<th>{{ "%.0f" | format(100 * share | float) }} %</th>{% endfor %}</tr>
<tr><td>{{ "%.4g" | format(residuals.mean) }}</td>{% for value in residuals.quantiles.values() %}<td>{{ "%.4g" | format(value) }}</td>{% endfor %}</tr>
</table></div>
{% endif %}
{% if split.samples %}
<h3>Samples</h3>
<p class="soft">Spread evenly over the split, not chosen. Open one to see what was read and what every system answered.</p>
<div class="card">
{% for sample in split.samples %}
<details{% if loop.index <= 3 %} open{% endif %}>
<summary>{{ sample.name or sample.reference }}</summary>
<dl><dt>reference</dt><dd>{{ sample.reference }}</dd>
{% for system in split.order %}
{% set said = sample.written[system] %}
<dt{% if system == main %} class="main"{% endif %}>{{ system | replace("_", " ") }}</dt><dd{% if system == main %} class="main"{% endif %}>{% if said.verdict %}<span class="{{ 'up' if said.verdict == 'right' else 'down' }}">{{ said.answer or "(nothing)" }}</span> <small>{{ said.verdict }}{{ ", " if said.note }}{{ said.note }}</small>{% else %}{{ said.answer or "(nothing)" }} <small>{{ said.note }}</small>{% endif %}</dd>
{% endfor %}</dl>
<pre>{{ sample.source }}</pre>
{% if sample.pair is not none %}<pre>{{ sample.pair }}</pre>{% endif %}

</details>
{% endfor %}
</div>
{% endif %}
{% endfor %}
{% set dirty = contamination.exact + contamination.near %}
<h2>Test examples in training</h2>
<p class="soft">{{ "{:,}".format(dirty) }} of {{ "{:,}".format(contamination.examples) }} test examples ({{ "%.1f" | format(100 * dirty / contamination.examples) }} %) are in the training text: {{ "{:,}".format(contamination.exact) }} word for word{% if contamination.answered %} ({{ "{:,}".format(contamination.answered) }} with their answer){% endif %}, {{ "{:,}".format(contamination.near) }} nearly, with at least {{ "%.0f" | format(100 * contamination.share) }} % of their runs of {{ contamination.run }} words. {{ "{:,}".format(contamination.short) }} are too short for near copies.{% if contamination.given_start %} What the weights that training started from had read before is not known here.{% endif %}</p>
{% if contamination.found %}
<div class="card"><table class="near">
<caption>Exact copies first, then those with most in training.</caption>
<tr><th>test example</th><th>in training</th><th class="left">mostly from</th></tr>
{% for one in contamination.found %}
<tr><td><details><summary>{{ one.name or one.id }}</summary><pre>{{ one.text }}</pre></details></td><td>{{ "word for word" if one.exact else "%.0f %%" | format(100 * one.share) }}</td><td class="left">{{ one.source }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% for table in nearest %}
<h2>{{ table.title }}</h2>
<p class="soft">{{ table.caption }}</p>
<div class="card"><table class="near">
{% for text, near in table.rows %}
<tr><td>{{ text }}</td><td class="left">{% for one in near %}<span>{{ one.text }}<small>{{ "%.2f" | format(one.cosine) }}</small></span> {% endfor %}</td></tr>
{% endfor %}
</table></div>
{% endfor %}
</main></body></html>
"""
