"""The dataset card of a corpus: Markdown with the YAML head that the Hugging Face hub reads.

The head has the fields of https://huggingface.co/docs/hub/datasets-cards: languages, size, task, and the files of each split. Its values are
written by a YAML library, and texts of documents are in fenced blocks whose fence is longer than any in the text. So no document can change
the card around it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.corpora.report import cut
from pipeline.corpora.shards import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpora.report import CorpusReport

TASKS = {
    "classification": "text-classification",
    "tagging": "token-classification",
    "summarization": "summarization",
    "translation": "translation",
    "chat": "text-generation",
    "language_model": "text-generation",
    "embedding": "sentence-similarity",
}
"""Kind of a task → the hub's name for it; other kinds have none."""

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
CODE = re.compile("[a-z]{2,3}")
"""A language code that the hub takes."""


def render_card(report: CorpusReport) -> str:
    """The text of ``README.md``; the same report gives the same text."""
    head = yaml.safe_dump(_head(report), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n" + "\n".join(_body(report)) + "\n"


def _head(report: CorpusReport) -> dict[str, Any]:
    documents = report.facts.documents
    languages = [code for code in report.languages if CODE.fullmatch(code)]
    files = [{"split": split, "path": f"{split}-*.parquet"} for split in SPLITS if split in report.facts.splits]
    head: dict[str, Any] = {"pretty_name": report.name}
    if languages:
        head["language"] = languages
    head["size_categories"] = [next((name for limit, name in SIZES if documents < limit), "10M<n<100M")]
    if report.task in TASKS:
        head["task_categories"] = [TASKS[report.task]]
    return {**head, "tags": ["trainshed"], "configs": [{"config_name": "default", "data_files": files}]}


def _body(report: CorpusReport) -> Iterator[str]:
    manifest, facts = report.manifest, report.facts
    counts = manifest.counts
    yield f"# {_plain(report.name)}\n"
    yield f"Corpus `{manifest.fingerprint[:12]}/{manifest.digest[:12]}`, made {manifest.provenance.finished:%Y-%m-%d} by run `{manifest.provenance.run}`.\n"
    yield "## Source\n"
    yield from (f"- {_plain(name)}: `{_code(value)}`" for name, value in report.source.items())
    yield f"- revision: `{report.revision[:12]}`\n"
    if report.of_sources:
        yield "| source | records read | documents | characters | share of characters |\n| --- | ---: | ---: | ---: | ---: |"
        for source in report.of_sources:
            yield f"| {source.name} | {source.read:,} | {source.documents:,} | {source.characters:,} | {source.share:.1%} |"
        yield ""
    yield "## What was left out\n"
    yield f"{counts.get('read', 0):,} records were read and {counts.get('kept', 0):,} kept.\n"
    if report.left_out:
        yield "| reason | number |\n| --- | ---: |"
        yield from (f"| {_plain(one.words)} | {one.records:,} |" for one in report.left_out)
        yield ""
    yield "## Splits\n"
    yield "| split | documents | with target | characters | mean length |\n| --- | ---: | ---: | ---: | ---: |"
    for name, split in facts.splits.items():
        yield f"| {name} | {split.documents:,} | {split.targets:,} | {split.characters:,} | {split.lengths.mean:,.0f} |"
    yield ""
    for title, counted in (("Classes", dict(facts.classes.most_common(50))), ("Languages", report.languages)):
        if counted:
            yield f"## {title}\n\n| name | documents |\n| --- | ---: |"
            yield from (f"| {_plain(name)} | {count:,} |" for name, count in counted.items())
            yield ""
    if report.findings:
        yield "## Checks\n\n| rule | found | allowed | |\n| --- | --- | --- | --- |"
        yield from (f"| {_plain(one.rule)} | {_plain(one.value)} | {_plain(one.limit)} | {one.verdict} |" for one in report.findings)
        yield ""
    yield "## Samples\n"
    for one in report.samples:
        yield from _fenced(
            one.split, [one.text, *([one.pair] if one.pair is not None else []), *([one.target] if one.target is not None else [])]
        )


def _fenced(title: str, texts: list[str]) -> Iterator[str]:
    """Texts of a document, which cannot end their block."""
    body = "\n\n".join(map(cut, texts))
    fence = "`" * (max(map(len, re.findall("`+", body)), default=0) + 3)
    yield f"{title}:\n\n{fence}text\n{body}\n{fence}\n"


def _plain(text: str) -> str:
    """A text inside a table or a heading: on one line, and without effect on the Markdown or HTML around it."""
    line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>#|&!])", r"\\\1", line)


def _code(value: object) -> str:
    """A value inside a code span."""
    return " ".join(str(value).split()).replace("`", "'")
