"""``trainshed models``: the registered models, their ledgers, and what a person does about them. One file for each command."""

from __future__ import annotations

import typer

from pipeline.cli.models.compare import compare
from pipeline.cli.models.history import history
from pipeline.cli.models.list_models import list_models
from pipeline.cli.models.promote import promote
from pipeline.cli.models.reproduce import reproduce
from pipeline.cli.models.rollback import rollback
from pipeline.cli.models.show import show
from pipeline.cli.models.verify import verify


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="List, compare, verify, promote and roll back registered models.")
    group.command("list")(list_models)
    for command in (show, history, compare, promote, rollback, reproduce, verify):
        group.command()(command)
    app.add_typer(group, name="models")
