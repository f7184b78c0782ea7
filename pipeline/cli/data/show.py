"""``trainshed data show``: the counts of a corpus, its splits, lengths, classes, languages, words and groups, and how its tokenizer divides it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.data.arguments import Corpus, open_corpora
from pipeline.cli.data.tokenized import find_report, tokenizer_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from pipeline.artifacts.manifest import Manifest
    from pipeline.cli.data.arguments import OpenedCorpus
    from pipeline.cli.data.tokenized import Tokenized
    from pipeline.corpora.facts import CorpusFacts
    from pipeline.corpora.of_sources import OfSource

CLASSES = 20
"""Classes that are listed."""


def show(
    corpus: Corpus,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Also write a page and a dataset card, into the state folder.")] = False,
) -> None:
    """Show what a corpus holds: what was read and left out, splits, lengths, classes, languages, frequent words and groups, and its tokenizer."""
    from pipeline.cli.console import open_console
    from pipeline.corpora.facts import languages_of, read_facts
    from pipeline.corpora.of_sources import of_sources
    from pipeline.corpora.quality import read_quality

    with open_corpora(corpus) as (found,):
        facts, quality = read_facts(found.folder), read_quality(found.folder)
        tokenized = find_report(found.manifest)
        places = _write_page(corpus, found, facts, tokenized) if page else []
    if as_json:
        said = {"fingerprint": found.manifest.fingerprint, "digest": found.manifest.digest, "run": found.manifest.provenance.run}
        typer.echo(
            json.dumps(
                {
                    **said,
                    "counts": found.manifest.counts,
                    **facts.plain(),
                    "quality": quality and quality.facts,
                    "tokenizer": tokenized and tokenized.plain(),
                },
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    console = open_console()
    console.print(found.title, markup=False)
    for line in _read(found.manifest):
        console.print(line, markup=False)
    sources = of_sources(found.manifest.counts)
    if sources:
        console.print(_sources(sources, console))
    console.print(_splits(facts, console))
    if facts.classes:
        console.print(_classes(facts, console))
    for line in (*_listed("languages", languages_of(found.manifest.counts)), *_listed("words", dict(facts.words))):
        console.print(line, markup=False)
    if facts.group_count > 1:
        console.print(next(_listed(f"{facts.group_count} groups", dict(facts.groups))), markup=False)
    for name, value in quality.lines if quality else ():
        console.print(f"quality: {name}: {value}", markup=False)
    if tokenized:
        console.print(tokenizer_table(tokenized, console))
    for place in places:
        console.print(f"written: {place}", markup=False)


def _write_page(name: str, found: OpenedCorpus, facts: CorpusFacts, tokenized: Tokenized | None) -> list[Path]:
    """Write page and card of a corpus, and the page of its tokenizer; rules of a recipe are asked in its runs only."""
    from pipeline.corpora.card import render_card
    from pipeline.corpora.page import render_page
    from pipeline.corpora.report import make_report
    from pipeline.pages.data_pages import data_page_name
    from pipeline.pages.place import copy_page
    from pipeline.pages.tokenizer_pages import tokenizer_page, tokenizer_page_name
    from pipeline.runs.names import recipe_of_run
    from pipeline.settings import load_settings

    settings, report = (
        load_settings(),
        make_report(recipe_of_run(found.manifest.provenance.run) or name, found.manifest, found.folder, facts),
    )
    label = f"{report.name}-{found.manifest.digest[:12]}"
    more = (
        [copy_page(settings, tokenizer_page_name(label), tokenizer_page(report.name, tokenized.manifest, tokenized.report))]
        if tokenized
        else []
    )
    return [
        copy_page(settings, data_page_name(label), render_page(report)),
        copy_page(settings, f"{data_page_name(label).removesuffix('.html')}-card.md", render_card(report)),
        *more,
    ]


def _read(manifest: Manifest) -> Iterator[str]:
    """What was read, and what was left out and why."""
    from pipeline.corpora.left_out import reasons

    counts = manifest.counts
    parts = (f"{counts.get(name, 0):,} {name}" for name in ("kept", "duplicate", "filtered", "quarantined"))
    yield f"{counts.get('read', 0):,} records read = {' + '.join(parts)}"
    for reason in reasons(counts):
        yield f"  {reason.records:>9,}  {reason.words}"


def _sources(sources: list[OfSource], console: Console) -> Table:
    from pipeline.cli.console import new_table

    numbers = ("read", "duplicate", "filtered", "quarantined", "documents", "characters", "share")
    table = new_table(console, "source", *numbers, right=frozenset(numbers))
    for one in sources:
        table.add_row(one.name, *(f"{getattr(one, number):,}" for number in numbers[:-1]), f"{one.share:.1%}")
    return table


def _splits(facts: CorpusFacts, console: Console) -> Table:
    from pipeline.cli.console import new_table
    from pipeline.corpora.facts import QUANTILES

    lengths = [f"{share:.0%}" for share in QUANTILES]
    numbers = ("documents", "share", "with target", "characters", "mean length", *lengths)
    table = new_table(console, "split", *numbers, right=frozenset(numbers))
    for name, split in facts.splits.items():
        table.add_row(
            name,
            f"{split.documents:,}",
            f"{split.documents / facts.documents:.1%}",
            f"{split.targets:,}",
            f"{split.characters:,}",
            f"{split.lengths.mean:,.0f}",
            *(f"{split.lengths.quantile(share):,}" for share in QUANTILES),
        )
    return table


def _classes(facts: CorpusFacts, console: Console) -> Table:
    from pipeline.cli.console import new_table

    table = new_table(console, "class", "documents", "share", *facts.splits, right=frozenset({"documents", "share", *facts.splits}))
    most = sorted(facts.classes.items(), key=lambda pair: (-pair[1], pair[0]))
    total = facts.classes.total()
    for name, count in most[:CLASSES]:
        table.add_row(name, f"{count:,}", f"{count / total:.1%}", *(f"{split.classes[name]:,}" for split in facts.splits.values()))
    if len(most) > CLASSES:
        table.add_row(f"… {len(most) - CLASSES} more", f"{sum(count for _, count in most[CLASSES:]):,}")
    return table


def _listed(what: str, counted: dict[str, int]) -> Iterator[str]:
    if counted:
        yield f"{what}: {', '.join(f'{name} {count:,}' for name, count in counted.items())}"
