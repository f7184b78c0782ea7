"""``trainshed open``: the page of all models."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("open")(open_page)


def open_page(
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Show it in a browser; without, only print where it is.")] = True,
) -> None:
    """Open the page to start from: models, champions, quality over time, last runs, and who is asked about what."""
    import webbrowser

    from pipeline.pages.index import write_index
    from pipeline.pages.place import INDEX, ROOT, copy_page
    from pipeline.settings import load_settings

    settings = load_settings()
    place = copy_page(settings, INDEX, write_index(settings))
    typer.echo(f"{place.as_uri()} (in the store: {ROOT}/{INDEX})")
    if browser and not webbrowser.open(place.as_uri()):
        typer.echo("no browser was found here; open that file in one")
