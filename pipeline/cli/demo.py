"""``trainshed demo``: from an empty machine to a champion model, and a look at what it learned."""

from __future__ import annotations

from typing import Annotated

import typer

RECIPE = "pydocs"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    recipe: Annotated[str, typer.Argument(help="The recipe to run.")] = RECIPE,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running.")] = False,
) -> None:
    """Start the stack, run a recipe, show the result, stop the stack."""
    import time

    from pipeline.cli.console import open_console
    from pipeline.cli.progress import format_duration
    from pipeline.cli.report import show_report
    from pipeline.cli.runs import run_in_airflow
    from pipeline.cli.stack import bring_up, log_ins
    from pipeline.launchers.base import end_steps_of
    from pipeline.recipe import find_recipe
    from pipeline.settings import load_settings
    from pipeline.stack import stack

    console = open_console()
    settings = load_settings()
    found = find_recipe(recipe, settings.recipe_folders)
    try:
        console.print("Starting S3, MLflow and Airflow:")
        bring_up(settings)
        settings = load_settings(settings.state)
        console.print(f"\nRunning the recipe {found.name}:")
        began = time.monotonic()
        run, decision = run_in_airflow(recipe, {}, frozenset(), settings, console)
        console.print(f"\nThe run took {format_duration(time.monotonic() - began)}.")
        if decision:
            show_report(decision.entry, found, run, settings, console)
        if keep:
            console.print(f"\n{log_ins(settings)}")
    finally:
        if not keep:
            stack.down(settings, end_steps=end_steps_of(settings))
            console.print("\nThe stack is stopped. `trainshed up` starts it again for MLflow and Airflow.")
            console.print("`make demo KEEP=1` leaves it running; a second `make demo` finds every step cached.")
