"""One digest of all code that a component's results may rest on, whatever its params: what its image is labelled with.

``python -m pipeline.artifacts.code_digest STAGE`` prints it where an image is built. A checkout that gives another one has other code
than the image, which the runtime would find out by the fingerprint, and refuse, when a run is under way. Syntax trees are written
differently by each Python, so another than that of the images prints nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import lru_cache

from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.file_cache import FileCache

LABEL = "trainshed.code"
"""Label of an image that holds the digest."""

PYTHON = (3, 11)
"""What runs in the images."""


@lru_cache
def code_digest(stage: str) -> str:
    """The digest for one component, in 16 hexadecimal digits.

    Args:
        stage: name of the component.
    """
    modules = reached_modules(stage, {}, SOURCES, _parsed())
    return hashlib.sha256(json.dumps(modules).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _parsed() -> FileCache:
    """What was parsed for one component, which reaches much that another reaches too."""
    return FileCache()


if __name__ == "__main__":
    print(code_digest(sys.argv[1]) if sys.version_info[:2] == PYTHON else "")
