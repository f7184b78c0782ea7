"""Tables are ruled on a terminal, and plain lines that nothing wraps in a pipe."""

import re
from io import StringIO

import pytest
from rich.console import Console

from pipeline.cli.console import LOG_WIDTH, new_table
from pipeline.cli.progress import StepRow, progress_table

LONG = "a reason " * 40


@pytest.mark.parametrize("terminal", [True, False])
def test_a_row_is_one_line_in_a_pipe_and_fits_a_terminal(terminal):
    console = Console(file=StringIO(), force_terminal=terminal, width=60 if terminal else LOG_WIDTH, soft_wrap=True)
    table = new_table(console, "step", "seconds", "why", right=frozenset({"seconds"}))
    table.add_row("ingestion", "7", LONG)
    console.print(table)
    lines = re.sub(r"\x1b\[\d+m", "", console.file.getvalue()).splitlines()
    if terminal:
        assert len(lines) > 4
        assert {len(line) for line in lines} == {60}
    else:
        assert [line.split() for line in lines] == [["step", "seconds", "why"], ["ingestion", "7", *LONG.split()]]
        assert lines[0].index("why") == lines[1].index("a reason")


def test_a_narrow_terminal_cuts_the_detail_only():
    console = Console(file=StringIO(), force_terminal=True, width=70, no_color=True)
    console.print(progress_table([StepRow("champion_evaluation", "running", 187.0, LONG, None)], "caption"))
    (row,) = (line for line in console.file.getvalue().splitlines() if "champion_evaluation" in line)
    assert "running   3:07 min   a reason" in row
    assert row.rstrip().endswith("…")
