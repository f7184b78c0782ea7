"""``trainshed monitor``: look at the champion of a recipe now: drift, score on fresh labelled data, ages, and MLflow's alias."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.artifacts.manifest import Reference
    from pipeline.monitoring.look import Look
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a recipe file.", metavar="RECIPE")]) -> None:
    """Look at a recipe's champion: drift, score on fresh labelled data, ages, the alias. Records it; starts nothing."""
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
    run = f"{new_run_name(found.name)}-by-{getpass.getuser()}"
    look = look_at(found, settings, run, emit=False, report=_score(found, run, settings, console))
    console.print(f"{look.model}: {verdict(look)}", markup=False)
    _print_checks(look, console)
    if next_step(look):
        console.print(next_step(look), markup=False)
    page = settings.state.resolve() / "reports" / f"{found.name}-monitor.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_looks(Looks(open_store(settings), look.model).newest(SHOWN)), encoding="utf-8")
    console.print(f"\nWhere to look:\n  page     {page}", markup=False)


def _score(recipe: Recipe, run: str, settings: Settings, console: Console) -> Reference | None:
    """Score the champion on fresh labelled data on this machine, where the recipe has some; its report."""
    from pipeline.cli.local_output import LocalOutput
    from pipeline.lines import trace
    from pipeline.local.run import run_local

    steps = trace(recipe, "monitor")
    if not steps:
        return None
    return run_local(recipe, run, settings, LocalOutput(console), line="monitor")[steps[-1].id]


def _print_checks(look: Look, console: Console) -> None:
    """The checks as a table, then what differs."""
    from pipeline.cli.console import new_table
    from pipeline.monitoring.page import between, number

    table = new_table(console, "check", "measured", "interval", "limit", "found", right=frozenset({"measured", "limit"}))
    for check in look.checks:
        table.add_row(
            check.name, number(check.value), between(check), number(check.limit), f"{'[bold]' if check.crossed else ''}{check.says}"
        )
    console.print(table)
    if look.shifts:
        numbers = frozenset({"distance", "p", "corpus", "window"})
        table = new_table(console, "feature", "distance", "p", "corpus", "window", "verdict", right=numbers)
        for shift in look.shifts:
            said = "differs" if shift.crossed else "alike"
            table.add_row(shift.feature, number(shift.distance), f"{shift.p:.2g}", number(shift.before), number(shift.now), said)
        console.print(table)
