"""The Jinja template of `report.html`: one page without scripts or outside resources, for light and dark mode."""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of a {{ model.shape.family }} model</title>
<style>
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --card: #ffffff; --back: #f5f6f9; --accent: #2f6feb; --good: #1a7f4b; --bad: #b3402e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b8; --line: #2e3644; --card: #1a1f29; --back: #12161d; --accent: #6ea0ff; --good: #4fc78a; --bad: #f08a76; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .3rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .3rem 0 .8rem; } .soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin: .8rem 0; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; } .tile span { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; font-size: .9rem; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; } th:first-child, td:first-child { text-align: left; white-space: normal; }
tr.main td { font-weight: 600; color: var(--accent); } td small { display: block; font-weight: 400; color: var(--soft); }
.up { color: var(--good); } .down { color: var(--bad); }
details { border-top: 1px solid var(--line); padding: .6rem 0; } details:first-of-type { border-top: 0; } summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--back); border-radius: 6px; padding: .7rem; margin: .5rem 0; font-size: .85rem; max-height: 16rem; overflow-y: auto; }
dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .25rem .9rem; margin: .5rem 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; } dd small { color: var(--soft); }
dt.main, dd.main { color: var(--accent); font-weight: 600; }
svg { max-width: 100%; height: auto; display: block; } svg text { font-family: system-ui, sans-serif !important; }
</style>
</head>
<body><main>
<h1>Evaluation of a {{ model.shape.family }} model</h1>
<p class="soft">{{ "{:,}".format(model.parameters) }} parameters, {{ model.shape.layers }} layers of width {{ model.shape.width }}{{ ", copy head" if model.shape.copy_head }}; vocabulary of {{ "{:,}".format(model.vocabulary) }} tokens; task: {{ model.task }}; at most {{ model.max_source_tokens }} tokens read and {{ model.max_target_tokens }} written, decoded greedily.</p>
{% if curves %}
<h2>Learning</h2>
<p class="soft">Loss on what the model trained on, and on the validation split, which it never trained on. When the second rises while the first falls, the model begins to memorise.</p>
<div class="card">{{ curves | safe }}</div>
{% endif %}
{% for split in splits %}
{% set likelihood = split.summary.likelihood %}
<h2>{{ split.title }} split</h2>
<p class="soft">{{ split.meaning }}</p>
<div class="card tiles">
<div class="tile"><b>{{ "%.1f" | format(split.summary.systems[main].rougeL.mean) }}</b><span>ROUGE-L</span></div>
<div class="tile"><b>{{ "%.3f" | format(likelihood[main].bits_per_byte.mean) }}</b><span>bits per byte (untrained {{ "%.2f" | format(likelihood.untrained.bits_per_byte.mean) }})</span></div>
<div class="tile"><b>{{ "%.1f" | format(likelihood[main].perplexity) }}</b><span>perplexity per token (loss {{ "%.3f" | format(likelihood[main].loss) }} nats)</span></div>
<div class="tile"><b>{{ "%.0f" | format(100 * split.summary.distinct) }} %</b><span>distinct outputs (references {{ "%.0f" | format(100 * split.summary.distinct_references) }} %)</span></div>
<div class="tile"><b>{{ "{:,}".format(split.summary.examples) }}</b><span>examples</span></div>
</div>
<div class="card">{{ split.bars | safe }}</div>
<div class="card"><table>
<caption>Mean F-measure in words shared with the reference, 0 to 100: ROUGE-1 counts words, ROUGE-2 pairs of words, ROUGE-L the longest common subsequence. “Model ahead” is the mean difference in ROUGE-L on the same examples, with its 95 % interval from {{ "{:,}".format(params.resamples) }} paired resamples: an interval that does not contain zero is no accident of the sample.</caption>
<tr><th>system</th>{% for metric in metrics %}<th>{{ metric | replace("rouge", "ROUGE-") }}</th>{% endfor %}<th>distinct</th><th>model ahead</th></tr>
{% for system in split.order %}
{% set said = split.summary.systems[system] %}
<tr{% if system == main %} class="main"{% endif %}><td>{{ system | replace("_", " ") }}<small>{{ descriptions.get(system, "") }}</small></td>
{% for metric in metrics %}<td>{{ "%.1f" | format(said[metric].mean) }}<small>{{ "%.1f" | format(said[metric].low) }} to {{ "%.1f" | format(said[metric].high) }}</small></td>{% endfor %}
<td>{{ "%.0f" | format(100 * said.distinct) }} %</td>
<td>{% if system != main %}{% set ahead = said.rougeL.model_ahead %}<span class="{{ 'up' if ahead.low > 0 else 'down' if ahead.high < 0 else '' }}">{{ "%+.1f" | format(ahead.mean) }}</span><small>{{ "%+.1f" | format(ahead.low) }} to {{ "%+.1f" | format(ahead.high) }}</small>{% endif %}</td></tr>
{% endfor %}
</table></div>
{% if split.samples %}
<h3>Samples</h3>
<p class="soft">Spread evenly over the split, not chosen. Open one to see what was read and what every system wrote.</p>
<div class="card">
{% for sample in split.samples %}
<details{% if loop.index <= 3 %} open{% endif %}>
<summary>{{ sample.name or sample.reference }}</summary>
<dl><dt>reference</dt><dd>{{ sample.reference }}</dd>
{% for system in split.order %}
<dt{% if system == main %} class="main"{% endif %}>{{ system | replace("_", " ") }}</dt><dd{% if system == main %} class="main"{% endif %}>{{ sample.written[system][0] or "(nothing)" }} <small>{{ "%.0f" | format(sample.written[system][1]) }}</small></dd>
{% endfor %}</dl>
<pre>{{ sample.source }}</pre>
</details>
{% endfor %}
</div>
{% endif %}
{% endfor %}
</main></body></html>
"""
