"""``trainshed models reproduce``: rebuild a registered version."""

from __future__ import annotations

from typing import Annotated

import typer


def reproduce(
    version: Annotated[str, typer.Argument(help="MODEL/VERSION or MODEL@ALIAS, e.g. pydocs@champion.", metavar="VERSION")],
) -> None:
    """Rebuild a registered version and compare digests."""
    from pipeline.cli.console import open_console
    from pipeline.errors import BadInput
    from pipeline.local.command import is_reference
    from pipeline.local.reproduce import reproduce as rebuild
    from pipeline.registry.version_names import model_of_version
    from pipeline.runs.names import new_run_name
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    name, model = model_of_version(version, settings)

    def print_line(stage: str, line: str) -> None:
        if not is_reference(line):
            console.print(f"{stage}: {line}", markup=False)

    rows = rebuild(model, name, f"reproduce-{new_run_name(name)}", settings, print_line)
    for row in rows:
        word = (
            "copied from the store"
            if row.copied
            else "same"
            if row.rebuilt_digest == row.original_digest
            else f"DIFFERENT: {row.rebuilt_digest[:12]}"
        )
        console.print(f"{row.stage:<14} {row.original_digest[:12]}  {word}")
    wrong = [row.stage for row in rows if row.rebuilt_digest != row.original_digest]
    if wrong:
        raise BadInput(
            f"{version} was not reproduced: {', '.join(wrong)} differ",
            "the registered digests",
            "use the thread count and the kind of machine of the original",
        )
    console.print(f"{version} is reproduced byte for byte")
