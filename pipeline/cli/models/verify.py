"""``trainshed models verify``: check ledgers, aliases, versions and the bytes of champions."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.models.arguments import open_ledger


def verify(
    model: Annotated[str | None, typer.Argument(help="Only this registered model.", metavar="MODEL")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put back the aliases in MLflow that differ from the ledger.")] = False,
) -> None:
    """Check the seals and the order of the ledger, the aliases and versions in MLflow, and the bytes of the champion."""
    from pipeline.artifacts import open_artifacts
    from pipeline.errors import BadInput
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.verify_ledger import verify_model
    from pipeline.settings import load_settings
    from pipeline.tracking import MlflowServer

    settings = load_settings()
    artifacts, server = open_artifacts(settings), MlflowServer(settings)
    ledgers = (
        [open_ledger(artifacts.store, model, settings)]
        if model
        else [Ledger(artifacts.store, name) for name in Ledger.models(artifacts.store)]
    )
    wrong = []
    for ledger in ledgers:
        problems = list(verify_model(server, artifacts, ledger, repair=repair))
        for problem in problems:
            typer.echo(f"{ledger.model}: {problem}")
        if problems:
            wrong.append(ledger.model)
        else:
            typer.echo(f"{ledger.model}: ledger, aliases, versions and the champion's bytes are in order")
    if not ledgers:
        typer.echo(f"no model was decided about yet in {artifacts.store.url}")
    if wrong:
        raise BadInput(f"something is wrong with {', '.join(wrong)}", "", "see the lines above")
