"""Where the commands print: a terminal as wide as it is, or a log or pipe, where a row stays one line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LOG_WIDTH = 1000


def open_console() -> Console:
    """A console for standard output.

    A log or a pipe has no width of its own; the 80 columns that are assumed for it would cut names and wrap reasons, which
    nobody could search for.
    """
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else LOG_WIDTH)
