"""``trainshed forget``: leave documents out of all data to come, and say what holds them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.console import Console

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest
    from pipeline.corpora.match_file import Meant
    from pipeline.erasure.holders import Holders
    from pipeline.erasure.tombstones import Tombstone
    from pipeline.registry.forgotten_versions import HeldVersion


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("forget")(forget)


def forget(
    document: Annotated[list[str] | None, typer.Option("--document", help="Id of a document; may be given again.", metavar="ID")] = None,
    match: Annotated[Path | None, typer.Option(help="File of texts or ids: JSON Lines, or plain text with one in each line.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record. Do not write the text or a name here.")] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Also forget what no corpus holds, for data that is yet to come.")] = False,
    show: Annotated[bool, typer.Option("--list", help="List what was forgotten and what still holds it; change nothing.")] = False,
) -> None:
    """Forget documents: no later corpus holds them, and no version that was made from them is promoted. Prints everything that holds them."""
    import getpass
    from functools import partial
    from tempfile import TemporaryDirectory

    from rich.console import Console
    from rich.progress import track

    from pipeline.artifacts import open_artifacts
    from pipeline.cli.console import open_console
    from pipeline.corpora.forget import forget as forget_documents
    from pipeline.errors import BadInput
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    artifacts = open_artifacts(settings, read_only=True)
    if show:
        if document or match:
            raise BadInput("--list with --document or --match", "one of them", "leave out --list")
        _list(artifacts, console)
        return
    meant = _meant(document or [], match)
    watch = partial(track, description="reading corpora", transient=True, console=Console(stderr=True))
    settings.state.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.state) as scratch:
        done = forget_documents(artifacts, meant, getpass.getuser(), reason, Path(scratch), anyway=anyway, watch=watch)
    for line in done.found.damaged:
        typer.echo(f"not searched, counts as if it held them: {line}", err=True)
    documents, corpora = len(done.found.ids), len(done.found.held)
    what = f"{documents} document{'s' * (documents != 1)} in {corpora} {'corpus' if corpora == 1 else 'corpora'}"
    console.print(
        f"forgotten: {what} (entry {done.entry.number})" if done.is_new else f"forgotten already (entry {done.entry.number}): {what}"
    )
    _print_holders(artifacts, done.entry, [*meant.served, *(text for text, _ in done.found.ids.values())], console)


def _meant(documents: list[str], match: Path | None) -> Meant:
    """The documents of the command line.

    Raises:
        BadInput: none is given, both ways are used, or one is no id.
    """
    from pipeline.corpora.match_file import Meant, read_match_file
    from pipeline.errors import BadInput

    if bool(documents) == bool(match):
        got = "--document and --match" if match else "no document"
        raise BadInput(got, "either --document or --match", "write e.g. `trainshed forget --document ID`")
    if match:
        return read_match_file(match)
    meant = Meant()
    for one in documents:
        meant.add_id(one.strip().lower(), f"--document {one[:60]}")
    return meant


def _print_holders(artifacts: Artifacts, entry: Tombstone, texts: list[str], console: Console) -> None:
    """Print everything that holds the documents of an entry, and what to do next."""
    from pipeline.corpora.held_by import open_trainings, served_objects
    from pipeline.erasure.holders import Holders
    from pipeline.runs.names import recipe_of_run

    holders = Holders(artifacts)
    held = [manifest for manifest, found in holders.all() if entry.number in found]
    trainings = sorted(open_trainings(artifacts, holders, held, {entry.number}))
    served = list(served_objects(artifacts.store, entry.texts, texts))
    versions = _versions(artifacts, holders, {entry.number})
    if not (held or trainings or served):
        console.print("nothing in the store holds them")
    _print_artifacts(held, console)
    for key in trainings:
        console.print(f"checkpoint  {key}", markup=False)
    for key, count in served:
        console.print(f"served      {key}: {count} line{'s' * (count != 1)}", markup=False)
    for version in versions:
        console.print(f"version     {version.model} {version.entry.challenger.version}: {version.role}", markup=False)
    for version in versions:
        if version.serves:
            said = f"{version.model} version {version.entry.challenger.version} SERVES and was made from these documents"
            typer.echo(f"warning: {said}; it serves until a version without them is promoted", err=True)
    recipes = sorted({name for manifest in held if (name := recipe_of_run(manifest.provenance.run))})
    if recipes:
        console.print(f"next: {', '.join(f'`trainshed run {name}`' for name in recipes)} makes corpus and model without them", markup=False)


def _print_artifacts(held: list[Manifest], console: Console) -> None:
    from pipeline.cli.console import new_table

    if not held:
        return
    table = new_table(console, "holds them", "stage", "fingerprint", "digest", "made", "run")
    for manifest in sorted(held, key=lambda one: one.provenance.finished):
        made = manifest.provenance.finished.strftime("%Y-%m-%d %H:%M")
        table.add_row(manifest.type.value, manifest.stage, manifest.fingerprint[:12], manifest.digest[:12], made, manifest.provenance.run)
    console.print(table)


def _versions(artifacts: Artifacts, holders: Holders, wanted: Collection[int]) -> list[HeldVersion]:
    """The registered versions that hold documents of these entries."""
    from pipeline.registry.forgotten_versions import held_versions
    from pipeline.registry.ledger import Ledger

    ledgers = (Ledger(artifacts.store, name) for name in Ledger.models(artifacts.store))
    return [found for ledger in ledgers for found in held_versions(holders, ledger) if found.forgotten & set(wanted)]


def _list(artifacts: Artifacts, console: Console) -> None:
    """Every entry, and what still holds its documents."""
    from pipeline.cli.console import new_table
    from pipeline.erasure.holders import Holders

    holders = Holders(artifacts)
    if not holders.entries:
        console.print(f"nothing was forgotten in {artifacts.store.url}", markup=False)
        return
    held = list(holders.all())
    versions = _versions(artifacts, holders, set(holders.entries))
    numbers = frozenset({"entry", "ids", "texts", "artifacts"})
    table = new_table(console, "entry", "time", "who", "why", "ids", "texts", "artifacts", "versions", right=numbers)
    for entry in holders.entries.values():
        own = [one for one in versions if entry.number in one.forgotten]
        table.add_row(
            str(entry.number),
            f"{entry.time:%Y-%m-%d %H:%M}",
            entry.person,
            entry.reason,
            str(len(entry.ids)),
            str(len(entry.texts)),
            str(sum(entry.number in found for _, found in held)),
            ", ".join(f"{one.model} {one.entry.challenger.version}{' (SERVES)' if one.serves else ''}" for one in own),
        )
    console.print(table)
