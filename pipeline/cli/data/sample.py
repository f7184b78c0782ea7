"""``trainshed data sample``: some documents of a corpus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.data.arguments import Corpus, open_corpora

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpora.sample import Sampled

CHARACTERS = 600
"""Characters of a text that are printed; JSON has all of them."""


def sample(
    corpus: Corpus,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="How many documents.", metavar="N")] = 5,
    split: Annotated[str | None, typer.Option(help="Only this split: train, validation, test or held_out.")] = None,
    label: Annotated[str | None, typer.Option("--class", help="Only documents of this class.", metavar="CLASS")] = None,
    group: Annotated[str | None, typer.Option(help="Only documents of this group.")] = None,
    source: Annotated[str | None, typer.Option(help="Only documents of this source.")] = None,
    match: Annotated[str | None, typer.Option(help="Only documents that contain this word, without case.", metavar="WORD")] = None,
    document: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Only the document with this id, or this beginning of it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed chooses other documents.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, with whole texts.")] = False,
) -> None:
    """Print documents of a corpus: chosen by a seed, from one split, class, group or source, or those with a word."""
    from pipeline.cli.console import open_console
    from pipeline.corpora.sample import Wanted, choose
    from pipeline.corpora.shards import SPLITS

    wanted = Wanted((split,) if split else SPLITS, label, group, match, frozenset(document) if document else None, source)
    with open_corpora(corpus) as (found,):
        chosen = choose(found.folder, wanted, count, seed)
    console = open_console()
    if as_json:
        for one in chosen:
            typer.echo(json.dumps(_plain(one), ensure_ascii=False))
    else:
        for one in chosen:
            for line in _lines(one):
                console.print(line, markup=False)
    if not chosen:
        typer.echo("no document fits", err=True)


def _plain(one: Sampled) -> dict[str, str | None]:
    """A document as JSON; its image, if it has one, as the address of a PNG."""
    from pipeline.corpora.thumbnails import data_uri

    fields = one._asdict()
    return fields | {"image": data_uri(one.image)} if one.image else {name: fields[name] for name in fields if name != "image"}


def _lines(one: Sampled) -> Iterator[str]:
    from pipeline.corpora.thumbnails import side_of

    about = ", ".join(part for part in (one.split, one.group and f"group {one.group}", one.name) if part)
    yield f"{one.id}  {about}"
    for name, text in (("text", one.text), ("pair", one.pair), ("target", one.target)):
        if text is not None:
            yield f"  {name:<7} {_cut(text)}"
    if one.image:
        side = side_of(one.image)
        yield f"  image   {side} x {side} pixels"


def _cut(text: str) -> str:
    """A text on one line, without characters that would act on a terminal."""
    plain = "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
    return plain if len(plain) <= CHARACTERS else f"{plain[:CHARACTERS]}… ({len(text):,} characters)"
