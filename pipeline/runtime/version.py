"""Which version of our code is running, for provenance only: it is no part of any identity."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@lru_cache(maxsize=1)
def code_version(home: Path) -> str:
    """Git commit of the checkout at ``home``, with ``+dirty`` where it was edited; the package's version outside one."""
    try:
        commit = subprocess.run(
            ["git", "-C", str(home), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        edited = subprocess.run(
            ["git", "-C", str(home), "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return f"trainshed {version('trainshed')}"
    return f"{commit}+dirty" if edited else commit
