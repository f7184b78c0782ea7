"""``trainshed new | recipes``: write a recipe; check all recipes without running anything."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("new")(new)
    group = typer.Typer(no_args_is_help=True, help="Check all recipes without running anything.")
    group.command("check")(check)
    app.add_typer(group, name="recipes")


def new(
    name: Annotated[str, typer.Argument(help="Name of the recipe, of its DAG and of the registered model.", metavar="NAME")],
    task: Annotated[str, typer.Option(help="Kind of the task, e.g. summarization, classification or chat.", metavar="KIND")],
    start: Annotated[str | None, typer.Option(help="Given weights to start from: the recipe's model.start.", metavar="PLACE")] = None,
    family: Annotated[str | None, typer.Option(help="Family of a new model, e.g. bert, t5 or qwen3.", metavar="FAMILY")] = None,
) -> None:
    """Write a recipe with comments: a small model for the task, built from scratch or from given weights."""
    from pipeline.recipe import recipe_files
    from pipeline.recipe.template import new_recipe
    from pipeline.settings import load_settings

    folders = load_settings().recipe_folders
    existing = recipe_files(folders).get(name)
    if existing:
        raise BadInput(f"recipe {name} exists: {existing}", "", "choose another name, or edit that file")
    text = new_recipe(name, task, family, start)
    path = folders[0] / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    typer.echo(f"wrote {path}")
    typer.echo(f"Point data.source at your text. Then run `trainshed recipes check` and `trainshed plan {name}`.")


def check() -> None:
    """Check every recipe without running anything; weights that it starts from, if they are on this machine. Exit code 2 and one line for each invalid recipe."""
    from pipeline.launchers.check_sizes import check_sizes
    from pipeline.planning.check_cleaning import check_cleaning_files
    from pipeline.planning.check_start import check_base_here
    from pipeline.recipe import read_recipe, recipe_files
    from pipeline.recipe.asset_cycles import asset_cycles
    from pipeline.settings import load_settings

    settings = load_settings()
    files, recipes, wrong = sorted(recipe_files(settings.recipe_folders).items()), [], {}
    if not files:
        folders = " or ".join(map(str, settings.recipe_folders))
        raise BadInput(f"no recipe in {folders}", "one .yaml file for each model", "write one with `trainshed new`")
    for name, path in files:
        try:
            recipes.append(recipe := read_recipe(path))
            check_sizes(recipe, settings)
            check_base_here(recipe, settings)
            check_cleaning_files(recipe, settings)
        except BadInput as error:
            wrong[name] = str(error)
    wrong = asset_cycles(recipes) | wrong
    for name, _ in files:
        typer.echo(f"{name}: {wrong.get(name, 'ok')}", err=name in wrong)
    raise typer.Exit(BadInput.exit_code if wrong else 0)
