"""``trainshed data``: what corpora hold. One file for each command."""

from __future__ import annotations

import typer

from pipeline.cli.data.diff import diff
from pipeline.cli.data.sample import sample
from pipeline.cli.data.show import show


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Show and compare corpora, and print some of their documents.")
    for command in (show, diff, sample):
        group.command()(command)
    app.add_typer(group, name="data")
