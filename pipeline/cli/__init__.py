"""The ``trainshed`` command.

Each group of commands is a file with ``register(app)``. Only the file of the typed command is imported (see ``GROUPS``); ``--help``
and an unknown command import all of them. Heavy imports belong inside the commands.

A user's mistake or an unavailable server is one line on standard error, with the exit code of `pipeline.errors`. Ctrl-C exits
with 130. Anything else is a bug and keeps its traceback.
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
    "pipeline.cli.backfill": ("backfill",),
    "pipeline.cli.experiments": ("experiment",),
    "pipeline.cli.recipes": ("new", "recipes"),
    "pipeline.cli.artifacts": ("artifacts",),
    "pipeline.cli.data": ("data",),
    "pipeline.cli.demo": ("demo",),
    "pipeline.cli.forget": ("forget",),
    "pipeline.cli.models": ("models",),
    "pipeline.cli.open_page": ("open",),
    "pipeline.cli.approve": ("approve",),
    "pipeline.cli.monitor": ("monitor",),
    "pipeline.cli.doctor": ("doctor",),
    "pipeline.cli.docs": (),  # `docs` lists all commands, so it needs every file imported
}
"""The commands of each file."""

PROGRAM = "trainshed"


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # imports create 100,000 objects and no garbage; collecting after every 700 takes 10 % of a short command's time
    gc.set_threshold(50_000)
    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # a normal exit takes 0.1 s to tear down 600 modules
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: what was typed after the program's name.
    """
    try:
        return _invoke(arguments)
    except TrainshedError as error:
        return _print_error(error)
    except OSError as error:
        translated = disk_error(error)
        if translated is None:
            raise
        if error.filename is None:  # the error is about standard output, not about a file
            _close_output()
        return _print_error(translated)


def _print_error(error: TrainshedError) -> int:
    print(f"{PROGRAM}: {error}", file=sys.stderr)
    return error.exit_code


def _invoke(arguments: Sequence[str]) -> int:
    """Run one command; typer's errors, which take several lines, become one of ours."""
    import typer.main
    from typer.exceptions import TyperException

    command = typer.main.get_command(build_app(arguments[0] if arguments else ""))
    try:
        code = command.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        if "\n" not in error.message:
            raise _usage_error(error) from error
        print(error.message, file=sys.stderr)  # no command was typed: this is the help
        return error.exit_code
    except SystemExit:
        _close_output()  # typer exits so when the reader closes the pipe (`| head`)
        return 0
    if code == Interrupted.exit_code:
        raise Interrupted("interrupted")
    return code or 0


def _close_output() -> None:
    """Discard all further output: text that could not be written is still buffered, and Python would report it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage_error(error: TyperException) -> BadInput:
    """The error for a wrong command, option or argument."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    got, _, near = message.partition(" Did you mean ")
    expected = context.get_usage().removeprefix("Usage: ") if context else ""
    fix = f"did you mean {near}" if near else f"see `{context.command_path if context else PROGRAM} --help`"
    return BadInput(got.rstrip("."), expected, fix)


def build_app(command: str = "") -> typer.Typer:
    """Build the application with the group of ``command``, or with all groups if no group has it."""
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
        """Without a callback, typer would drop the command's name where only one command is registered."""

    owners = [module for module, commands in GROUPS.items() if command in commands]
    for module in owners or GROUPS:
        import_module(module).register(app)
    return app
