"""Version of the running code, for provenance only: it is not part of any identity."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings


def code_version(settings: Settings) -> str:
    """The image's code version, else the git commit (``+dirty`` if edited), else the package's version."""
    return settings.code_version or _commit(settings.home)


@lru_cache(maxsize=1)
def _commit(home: Path) -> str:
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
