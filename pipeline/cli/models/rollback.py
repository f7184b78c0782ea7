"""``trainshed models rollback``: make a model that was champion the champion again."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.models.arguments import Model, open_ledger


def rollback(
    model: Model,
    to: Annotated[
        int | None,
        typer.Option(help="Version to go back or forward to; by default the champion before this one. Required after a rollback."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason, for the ledger.")] = "",
) -> None:
    """Make a former champion the champion again, after a check of its bytes. Later runs do not undo it."""
    import getpass

    from pipeline.artifacts import open_artifacts
    from pipeline.registry.rollback import roll_back
    from pipeline.settings import load_settings
    from pipeline.tracking import MlflowServer

    settings = load_settings()
    artifacts = open_artifacts(settings)
    open_ledger(artifacts.store, model, settings)
    entry, replaced = roll_back(MlflowServer(settings), artifacts, model, f"by {getpass.getuser()}", to, reason)
    if replaced is None:
        typer.echo(f"{model} version {to} is champion already (ledger entry {entry.number}); nothing changed")
    else:
        instead = f"in the place of version {replaced.challenger.version}"
        typer.echo(f"{model} version {entry.challenger.version} is champion again {instead} (ledger entry {entry.number})")
