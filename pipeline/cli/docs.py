"""``trainshed docs``: write the generated files, or list the stale ones."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def docs(check: Annotated[bool, typer.Option("--check", help="Only list stale files, and fail if there is one.")] = False) -> None:
        """Write the generated files: tables, component files, Kubernetes objects and policies."""
        from pipeline.errors import BadInput
        from pipeline.generate.component_yaml import component_files
        from pipeline.generate.image_requirements import image_requirements
        from pipeline.generate.kubernetes import kubernetes_files
        from pipeline.generate.policies import policy_files
        from pipeline.generate.readme import readme, recipes_page, settings_page
        from pipeline.settings import load_settings

        home = load_settings().home
        page, recipes = home / "README.md", home / "docs" / "recipes.md"
        wanted = {
            page: readme(page.read_text(), home, _commands(app)),
            recipes: recipes_page(recipes.read_text()),
            home / "docs" / "settings.md": settings_page(home),
            **component_files(home),
            **image_requirements(home),
            **kubernetes_files(home),
            **policy_files(home),
        }
        stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
        if check and stale:
            names = ", ".join(str(path.relative_to(home)) for path in stale)
            raise BadInput(f"stale: {names}", "", "run `make docs`")
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
            typer.echo(f"wrote {path.relative_to(home)}")


def _commands(app: typer.Typer) -> list[tuple[str, str]]:
    """Name and first line of help of each command; of a group, its subcommands in one row."""
    group = typer.main.get_command(app)
    rows = []
    for name, command in sorted(getattr(group, "commands", {}).items()):
        subcommands = getattr(command, "commands", None)
        label = name + (" " + " / ".join(sorted(subcommands)) if subcommands else "")
        rows.append((f"`trainshed {label}`", (command.help or "").splitlines()[0] if command.help else ""))
    return rows
