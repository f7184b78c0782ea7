"""``trainshed monitor``: look at the champion of a recipe now: drift of what it is asked, ages, and MLflow's alias."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.monitoring.look import Look


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a recipe file.", metavar="RECIPE")]) -> None:
    """Look at a recipe's champion: drift of served texts, ages, the alias. Records it; starts nothing."""
    import getpass

    from pipeline.artifacts import open_store
    from pipeline.cli.console import open_console
    from pipeline.monitoring.look import Looks
    from pipeline.monitoring.page import SHOWN, next_step, render_looks, verdict
    from pipeline.monitoring.run import look_at
    from pipeline.recipe import find_recipe, read_recipe
    from pipeline.runs.names import new_run_name
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    is_file = recipe.endswith((".yaml", ".yml"))
    found = read_recipe(Path(recipe)) if is_file else find_recipe(recipe, settings.recipe_folders)
    look = look_at(found, settings, f"{new_run_name(found.name)}-by-{getpass.getuser()}", emit=False)
    console.print(f"{look.model}: {verdict(look)}", markup=False)
    _print_checks(look, console)
    if next_step(look):
        console.print(next_step(look), markup=False)
    page = settings.state.resolve() / "reports" / f"{found.name}-monitor.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_looks(Looks(open_store(settings), look.model).newest(SHOWN)), encoding="utf-8")
    console.print(f"\nWhere to look:\n  page     {page}", markup=False)


def _print_checks(look: Look, console: Console) -> None:
    """The checks as a table, then what differs."""
    from pipeline.cli.console import new_table
    from pipeline.monitoring.page import number

    table = new_table(console, "check", "measured", "limit", "found", right=frozenset({"measured", "limit"}))
    for check in look.checks:
        table.add_row(check.name, number(check.value), number(check.limit), f"{'[bold]' if check.crossed else ''}{check.says}")
    console.print(table)
    if look.shifts:
        numbers = frozenset({"distance", "p", "corpus", "window"})
        table = new_table(console, "feature", "distance", "p", "corpus", "window", "verdict", right=numbers)
        for shift in look.shifts:
            said = "differs" if shift.crossed else "alike"
            table.add_row(shift.feature, number(shift.distance), f"{shift.p:.2g}", number(shift.before), number(shift.now), said)
        console.print(table)
