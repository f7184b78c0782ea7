"""Consoles and tables of the commands: as wide as the terminal, or one line per row in a log or pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

LOG_WIDTH = 1000


def open_console() -> Console:
    """A console for standard output.

    A log or a pipe has no width; rich would assume 80 columns, cut names and wrap sentences, and nobody could search for them.
    """
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else LOG_WIDTH)


def new_table(console: Console, *headings: str, right: frozenset[str] = frozenset()) -> Table:
    """An empty table: ruled on a terminal, plain aligned columns in a log or pipe.

    Args:
        console: where it will be printed.
        headings: headings of its columns.
        right: headings of the columns that are aligned to the right (numbers).
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD) if console.is_terminal else Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=not console.is_terminal, justify="right" if heading in right else "left")
    return table
