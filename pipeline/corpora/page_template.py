"""The Jinja template of the page of a corpus."""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Corpus of {{ report.name }}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --card: #ffffff; --back: #f5f6f9; --accent: #2f6feb; --good: #1a7f4b; --bad: #b3402e; --ask: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b8; --line: #2e3644; --card: #1a1f29; --back: #12161d; --accent: #6ea0ff; --good: #4fc78a; --bad: #f08a76; --ask: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem; }
p { margin: .3rem 0 .8rem; overflow-wrap: anywhere; } .soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin: .8rem 0; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; } .tile span { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, .left { text-align: left; white-space: normal; overflow-wrap: anywhere; }
td small { display: block; color: var(--soft); }
.met { color: var(--good); } .warning { color: var(--ask); font-weight: 600; } .stopped { color: var(--bad); font-weight: 600; }
.bar { width: 40%; } .bar i { display: block; height: .7rem; border-radius: 3px; background: var(--accent); }
.words span { display: inline-block; margin: 0 1rem .2rem 0; } .words small { color: var(--soft); margin-left: .3rem; }
details { border-top: 1px solid var(--line); padding: .5rem 0; } details:first-of-type { border-top: 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--back); border-radius: 6px; padding: .7rem; margin: .5rem 0; font-size: .85rem; }
dl { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .25rem .9rem; margin: 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; display: block; } svg text { font-family: system-ui, sans-serif !important; }
</style>
</head>
<body><main>
<h1>Corpus of {{ report.name }}</h1>
<p class="soft">{{ report.manifest.fingerprint[:12] }}/{{ report.manifest.digest[:12] }}, made {{ made.finished.strftime("%Y-%m-%d %H:%M") }} UTC by {{ made.run }}</p>
<div class="card tiles">
<div class="tile"><b>{{ "{:,}".format(facts.documents) }}</b><span>documents</span></div>
<div class="tile"><b>{{ "{:,}".format(facts.characters) }}</b><span>characters</span></div>
<div class="tile"><b>{{ "{:,.0f}".format(facts.lengths.mean) }}</b><span>characters of a text, on average</span></div>
<div class="tile"><b>{{ "{:,}".format(counts.get("read", 0)) }}</b><span>records read</span></div>
{% if facts.classes %}<div class="tile"><b>{{ facts.classes | length }}</b><span>classes</span></div>{% endif %}
{% if facts.group_count > 1 %}<div class="tile"><b>{{ "{:,}".format(facts.group_count) }}</b><span>groups</span></div>{% endif %}
</div>
{% if report.findings %}
<h2>Checks</h2>
<div class="card"><table>
<tr><th>rule</th><th class="left">found</th><th class="left">allowed</th><th></th></tr>
{% for one in report.findings %}
<tr><td>{{ one.rule }}</td><td class="left">{{ one.value }}</td><td class="left">{{ one.limit }}</td><td class="{{ one.verdict }}">{{ one.verdict }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
<h2>Source</h2>
<div class="card"><dl>
{% for name, value in report.source.items() %}<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
<dt>revision</dt><dd>{{ report.revision[:12] }}</dd>
</dl></div>
{% if report.of_sources %}
<div class="card"><table>
<tr><th>source</th><th>records read</th><th>duplicate</th><th>filtered</th><th>quarantined</th><th>documents</th><th>characters</th><th>share of characters</th></tr>
{% for one in report.of_sources %}
<tr><td>{{ one.name }}</td><td>{{ "{:,}".format(one.read) }}</td><td>{{ "{:,}".format(one.duplicate) }}</td><td>{{ "{:,}".format(one.filtered) }}</td><td>{{ "{:,}".format(one.quarantined) }}</td><td>{{ "{:,}".format(one.documents) }}</td><td>{{ "{:,}".format(one.characters) }}</td><td>{{ "%.1f" | format(100 * one.share) }} %</td></tr>
{% endfor %}
</table></div>
{% endif %}
<h2>What was left out</h2>
<p class="soft">{{ "{:,}".format(counts.get("read", 0)) }} records read = {{ "{:,}".format(counts.get("kept", 0)) }} kept + {{ "{:,}".format(counts.get("duplicate", 0)) }} duplicate + {{ "{:,}".format(counts.get("filtered", 0)) }} filtered + {{ "{:,}".format(counts.get("quarantined", 0)) }} quarantined</p>
{% if report.left_out %}
<div class="card"><table>
<tr><th>reason</th><th>number</th><th>of the records</th></tr>
{% for one in report.left_out %}
<tr><td>{{ one.words }}</td><td>{{ "{:,}".format(one.records) }}</td><td>{% if not one.name.startswith("left_out") and counts.get("read") %}{{ "%.2f" | format(100 * one.records / counts.read) }} %{% endif %}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% if report.quality %}
<h2>Likeness to the reference</h2>
<p class="soft">A classifier kept the documents that look like the reference text of <code>data.quality</code>.</p>
<div class="card"><dl>
{% for name, value in report.quality.lines %}<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl></div>
{% if report.quality.borderline %}
<p class="soft">Texts near the limit, with their distance in log odds.</p>
<div class="card"><table>
{% for one in report.quality.borderline %}
<tr><td class="left">{{ one.text }}</td><td>{{ "%+.3f" | format(one.margin) }}</td><td class="{{ "met" if one.margin >= 0 else "stopped" }}">{{ "kept" if one.margin >= 0 else "dropped" }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% endif %}
{% if report.contamination %}
<h2>Test texts in training</h2>
<p class="soft">Documents that contain texts of a test set or a benchmark left the corpus. Words are shown as they are compared.</p>
<div class="card"><table>
<tr><th>test texts</th><th>texts</th><th>too short to look for</th><th>words in a run</th><th>share of a text</th><th>documents</th></tr>
{% for one in report.contamination %}
<tr><td>{{ one.name }}<small>{{ one.reason.replace("_", " ") }}</small></td><td>{{ "{:,}".format(one.texts) }}</td><td>{{ "{:,}".format(one.not_looked_for) }}</td><td>{{ one.ngram }}</td><td>{% if one.share is none %}one run{% else %}{{ "%.0f" | format(100 * one.share) }} %{% endif %}</td><td>{{ "{:,}".format(one.documents) }}</td></tr>
{% endfor %}
</table></div>
{% for one in report.contamination if one.examples %}
<div class="card"><table>
<tr><th>document</th><th class="left">split</th><th class="left">words of {{ one.name }}</th><th class="left">test text</th></tr>
{% for each in one.examples %}
<tr><td>{{ each.name or each.id }}</td><td class="left">{{ each.split }}</td><td class="left">{{ cut(each.words, 200) }}</td><td class="left">{{ each.test_text }}</td></tr>
{% endfor %}
</table></div>
{% endfor %}
{% endif %}
<h2>Splits and lengths</h2>
<div class="card"><table>
<tr><th>split</th><th>documents</th><th>share</th><th>with target</th><th>mean length</th>{% for share in quantiles %}<th>{{ "%.0f" | format(100 * share) }} %</th>{% endfor %}</tr>
{% for name, split in facts.splits.items() %}
<tr><td>{{ name }}<small>{{ meanings[name] }}</small></td><td>{{ "{:,}".format(split.documents) }}</td><td>{{ "%.1f" | format(100 * split.documents / facts.documents) }} %</td><td>{{ "{:,}".format(split.targets) }}</td><td>{{ "{:,.0f}".format(split.lengths.mean) }}</td>{% for share in quantiles %}<td>{{ "{:,}".format(split.lengths.quantile(share)) }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
{% if lengths %}<div class="card">{{ lengths | safe }}</div>{% endif %}
{% if classes %}
<h2>Classes</h2>
<div class="card"><table>
<tr><th>class</th><th>documents</th><th>share</th><th class="left bar"></th></tr>
{% for name, count in classes %}
<tr><td>{{ name }}</td><td>{{ "{:,}".format(count) }}</td><td>{{ "%.1f" | format(100 * count / all_classes) }} %</td><td class="bar"><i style="width: {{ "%.1f" | format(100 * count / most_class) }}%"></i></td></tr>
{% endfor %}
</table>{% if more_classes > 0 %}<p class="soft">and {{ more_classes }} more</p>{% endif %}</div>
{% endif %}
{% if report.languages %}
<h2>Languages</h2>
<div class="card words">{% for name, count in report.languages.items() %}<span>{{ name }}<small>{{ "{:,}".format(count) }}</small></span> {% endfor %}</div>
{% endif %}
{% if facts.words %}
<h2>Most frequent words</h2>
<p class="soft">Of the training documents, each with the number of documents that have it.</p>
<div class="card words">{% for name, count in facts.words %}<span>{{ name }}<small>{{ "{:,}".format(count) }}</small></span> {% endfor %}</div>
{% endif %}
{% if facts.group_count > 1 %}
<h2>Largest groups</h2>
<div class="card words">{% for name, count in facts.groups %}<span>{{ name }}<small>{{ "{:,}".format(count) }}</small></span> {% endfor %}</div>
{% endif %}
<h2>Samples</h2>
<p class="soft">Chosen by a hash of their ids, not by a person.</p>
<div class="card">
{% for one in report.samples %}
<details><summary>{{ one.split }}: {{ one.name or cut(one.text, 80) }}{% if one.target is not none %} <span class="soft">→ {{ cut(one.target, 80) }}</span>{% endif %}</summary>
<p class="soft">{{ one.id }}{% if one.group %}, group {{ one.group }}{% endif %}</p>
{% if one.image is not none %}<p><img src="{{ thumbnail(one.image) }}" alt=""></p>{% endif %}
<pre>{{ cut(one.text) }}</pre>
{% if one.pair is not none %}<pre>{{ cut(one.pair) }}</pre>{% endif %}
{% if one.target is not none %}<pre>{{ cut(one.target) }}</pre>{% endif %}
</details>
{% endfor %}
</div>
</main></body></html>
"""
