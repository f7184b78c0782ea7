"""``trainshed models show``: one model with its champion, the proposal that waits, and its ledger as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.models.arguments import Model, open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.model_status import ModelStatus, Waiting


def show(
    model: Model, last: Annotated[int, typer.Option("--last", min=1, help="How many entries of the ledger to list.", metavar="N")] = 20
) -> None:
    """Show one model: champion, freshness, the waiting proposal, and the newest entries of its ledger."""
    from pipeline.artifacts import open_artifacts
    from pipeline.cli.console import open_console
    from pipeline.registry.model_status import read_status
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    artifacts = open_artifacts(settings, read_only=True)
    ledger = open_ledger(artifacts.store, model, settings)
    status = read_status(ledger, last)
    for line in (*_champion(status, artifacts), *_waiting(model, status.waiting), *_forgotten(ledger, artifacts)):
        console.print(line, markup=False)
    console.print(ledger_table(status, console))
    left = status.recent[-1].number - 1
    if left:
        console.print(f"{left} earlier entries; --last {status.recent[0].number} shows all", markup=False)


def _champion(status: ModelStatus, artifacts: Artifacts) -> Iterator[str]:
    """The champion, and how fresh it is."""
    from datetime import UTC, datetime

    from pipeline.cli.models.words import show_time

    champion, name = status.champion, status.model
    if champion is None:
        yield f"{name} has no champion"
        return
    days = (datetime.now(UTC) - champion.time).days
    since = f"since {show_time(champion.time)} UTC ({days} days)"
    yield f"{name} version {champion.challenger.version} is champion {since}, ledger entry {champion.number}"
    if status.quality:
        yield f"quality: {status.quality} on the test set of its promotion"
    manifest = artifacts.resolve(champion.challenger.model)
    if manifest is None:
        yield f"its model {champion.challenger.model.fingerprint[:12]} is not in the store: run `trainshed models verify {name}`"
    else:
        yield f"trained: {show_time(manifest.provenance.finished)} UTC by {manifest.provenance.run}"


def _waiting(model: str, waiting: Waiting | None) -> Iterator[str]:
    """The proposal that waits, who has answered, and who may."""
    from pipeline.cli.models.words import show_time

    if waiting is None:
        return
    proposal = waiting.proposal
    ends = f", until {show_time(waiting.expires)} UTC" if waiting.expires else ""
    yield f"version {proposal.challenger.version} waits for {waiting.people} approvals (proposal {proposal.number}){ends}"
    for answer in waiting.answers:
        word = "approved" if answer.approve else "rejected"
        yield f"  {answer.person} {word} it on {show_time(answer.time)}" + (f": {answer.reason}" if answer.reason else "")
    if len(waiting.approved) < waiting.people:
        yield f"  may answer: {', '.join(waiting.may_answer) or 'nobody: correct registration.approval in the recipe'}"
    else:
        yield f"  it has its approvals: `trainshed models promote {model}` promotes it if no run does"


def _forgotten(ledger: Ledger, artifacts: Artifacts) -> Iterator[str]:
    """The versions that were made from documents that are to be forgotten: the one that serves first."""
    from pipeline.erasure.holders import Holders
    from pipeline.erasure.tombstones import numbers
    from pipeline.registry.forgotten_versions import held_versions

    holders = Holders(artifacts)
    found = list(held_versions(holders, ledger)) if holders.entries else []
    for one in sorted(found, key=lambda one: not one.serves):
        what = f"version {one.entry.challenger.version} ({one.role}) was made from documents that are to be forgotten"
        end = "IT SERVES until a version without them is promoted" if one.serves else "it is not promoted"
        yield f"{what} ({numbers(sorted(one.forgotten))} of `trainshed forget --list`); {end}"


def ledger_table(status: ModelStatus, console: Console) -> Table:
    """The entries as a table, newest first."""
    from pipeline.cli.console import new_table
    from pipeline.cli.decision import reason
    from pipeline.cli.models.words import evidence, show_time
    from pipeline.registry.model_status import decided_by
    from pipeline.registry.quality import quality_of

    table = new_table(
        console,
        "entry",
        "time",
        "decision",
        "version",
        "quality",
        "who",
        "why",
        "evidence",
        right=frozenset({"entry", "version", "quality"}),
    )
    for entry in status.recent:
        mark = " (champion)" if status.champion and entry.number == status.champion.number else ""
        table.add_row(
            str(entry.number),
            show_time(entry.time),
            entry.decision.value.replace("_", " ") + mark,
            str(entry.challenger.version),
            str(quality_of(entry) or ""),
            decided_by(entry),
            reason(entry),
            evidence(entry),
        )
    return table
