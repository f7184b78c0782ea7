"""The command that starts a component on this machine."""

from __future__ import annotations

import sys


def component_command(stage: str, request_uri: str) -> list[str]:
    """Command line of one attempt; whoever starts it holds its standard input, whose end means "checkpoint and exit"."""
    return [sys.executable, "-m", f"components.{stage}", "--request", request_uri, "--tethered"]
