"""``trainshed doctor``: find problems before a run fails from them.

A terminal shows a table when all checks are done; a log or pipe gets a line for each finding at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.table import Table

    from pipeline.doctor.base import Finding

STYLES: Final[dict[str, str]] = {"ok": "green", "warning": "yellow", "error": "bold red", "unreachable": "magenta"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor() -> None:
    """Find problems and print a fix for each. Checks settings, servers, permissions, images, GPU, versions and clock."""
    from pipeline.cli.console import open_console
    from pipeline.doctor.run_check import exit_code

    console = open_console()
    rows = []
    for name, finding in _findings(console):
        rows.append((name, finding))
        if not console.is_terminal:
            console.print(f"{name:<9} {finding.state:<11} {finding}", markup=False)
    if console.is_terminal:
        console.print(findings_table(rows))
    code = exit_code(finding for _, finding in rows)
    if code:
        raise typer.Exit(code)


def _findings(console: Console) -> Iterator[tuple[str, Finding]]:
    """Run one check after the other; without valid settings, none."""
    from pipeline.doctor import CHECKS
    from pipeline.doctor.base import finding_of
    from pipeline.doctor.run_check import run_check
    from pipeline.errors import BadInput
    from pipeline.settings import load_settings

    try:
        settings = load_settings()
    except BadInput as error:
        yield "settings", finding_of(error)
        return
    with console.status("") as status:
        for name in CHECKS:
            status.update(f"checking {name}")
            for finding in run_check(name, settings):
                yield name, finding


def findings_table(rows: Iterable[tuple[str, Finding]]) -> Table:
    """One row for each finding; what was found, what was expected and the fix on separate lines."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "what was found", box=SIMPLE_HEAD)
    for name, finding in rows:
        lines = [finding.got]
        lines += [f"expected {finding.expected}"] if finding.expected else []
        lines += [f"fix: {finding.fix}"] if finding.fix else []
        table.add_row(name, Text(finding.state, STYLES[finding.state]), Text("\n".join(lines)))
    return table
