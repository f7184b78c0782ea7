"""The `trainshed` command.

Each group of commands is a file with ``register(app)``, and only the file of the command that was typed is imported
(``GROUPS`` says which that is); ``--help`` and a mistyped command import them all. Heavy imports belong inside the commands.

A mistake or an outage is one line on standard error and an exit code that says which (``pipeline.errors``); Ctrl-C is 130;
anything else is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pipeline.errors import Interrupted, TrainshedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "pipeline.cli.stack": ("up", "down", "status", "logs"),
    "pipeline.cli.runs": ("run", "watch", "stop", "plan"),
    "pipeline.cli.artifacts": ("artifacts",),
    "pipeline.cli.demo": ("demo",),
    "pipeline.cli.versions": ("reproduce", "rollback"),
    "pipeline.cli.docs": (),  # `docs` lists the commands of all files, so none is named and all are imported
}
"""The commands each file registers."""

PROGRAM = "trainshed"


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: what was typed after the program's name.
    """
    import typer.main

    command = typer.main.get_command(build_app(arguments[0] if arguments else ""))
    try:
        command.main(args=list(arguments), prog_name=PROGRAM)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except TrainshedError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return Interrupted.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; without this Python complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def build_app(command: str = "") -> typer.Typer:
    """Build the application with the group of ``command``, or with all groups when it is none of theirs."""
    import typer

    app = typer.Typer(
        name=PROGRAM,
        help="Keeps a team's own language models trained, tested and promoted, on schedule.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def _group() -> None:
        """Keep the command's name needed even where a single one is registered."""

    owners = [module for module, commands in GROUPS.items() if command in commands]
    for module in owners or GROUPS:
        import_module(module).register(app)
    return app
