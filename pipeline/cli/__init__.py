"""The `trainshed` command.

Each group of commands is a file with ``register(app)``, and only the file of the command that was typed is imported
(``GROUPS`` says which that is); ``--help`` and a mistyped command import them all. Heavy imports belong inside the commands.

A mistake (of the command line too) or an outage is one line on standard error and an exit code that says which
(``pipeline.errors``); Ctrl-C is 130; anything else is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pipeline.errors import BadInput, Interrupted, TrainshedError, disk_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer
    from typer.exceptions import TyperException

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "pipeline.cli.stack": ("up", "down", "status", "logs"),
    "pipeline.cli.runs": ("run", "watch", "stop", "plan", "compile"),
    "pipeline.cli.artifacts": ("artifacts",),
    "pipeline.cli.demo": ("demo",),
    "pipeline.cli.versions": ("reproduce", "rollback"),
    "pipeline.cli.doctor": ("doctor",),
    "pipeline.cli.docs": (),  # `docs` lists the commands of all files, so none is named and all are imported
}
"""The commands each file registers."""

PROGRAM = "trainshed"


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # imports make a hundred thousand objects and no garbage: to look for it every 700 takes a tenth of a short command's time
    gc.set_threshold(50_000)
    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # taking six hundred modules apart costs a tenth of a second, and nothing is left to do in it
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: what was typed after the program's name.
    """
    try:
        return _invoke(arguments)
    except TrainshedError as error:
        return _tell(error)
    except OSError as error:
        refused = disk_error(error)
        if refused is None:
            raise
        if error.filename is None:  # it was about standard output, not about a file
            _close_output()
        return _tell(refused)


def _tell(error: TrainshedError) -> int:
    print(f"{PROGRAM}: {error}", file=sys.stderr)
    return error.exit_code


def _invoke(arguments: Sequence[str]) -> int:
    """Run one command; what typer would say in several lines, or not at all, becomes an error of ours."""
    import typer.main
    from typer.exceptions import TyperException

    command = typer.main.get_command(build_app(arguments[0] if arguments else ""))
    try:
        code = command.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        if "\n" not in error.message:
            raise _mistyped(error) from error
        print(error.message, file=sys.stderr)  # nothing was typed: the help
        return error.exit_code
    except SystemExit:
        _close_output()  # typer's answer to a reader that has seen enough (`| head`)
        return 0
    if code == Interrupted.exit_code:
        raise Interrupted("interrupted")
    return code or 0


def _close_output() -> None:
    """Print nowhere from here on: what could not be written is still buffered, and Python would complain of it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _mistyped(error: TyperException) -> BadInput:
    """The one line for a command, an option or an argument that is not as it should be."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    got, _, near = message.partition(" Did you mean ")
    expected = context.get_usage().removeprefix("Usage: ") if context else ""
    fix = f"did you mean {near}" if near else f"see `{context.command_path if context else PROGRAM} --help`"
    return BadInput(got.rstrip("."), expected, fix)


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
