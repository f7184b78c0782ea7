"""One digest of all code that a component's results may depend on, for any params: the label of its image.

``python -m pipeline.artifacts.code_digest STAGE`` prints it when an image is built. If a checkout gives another digest, its code
differs from the image's; without the label the runtime would refuse the fingerprint only in the middle of a run. Each Python
version dumps syntax trees differently, so a version other than the images' prints nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import lru_cache

from components import COMPONENTS
from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.file_cache import FileCache

LABEL = "trainshed.code"
"""Label of an image that holds the digest."""

PYTHON = (3, 11)
"""Python version in the images."""


@lru_cache
def code_digest(stage: str) -> str:
    """The digest for one component, in 16 hexadecimal digits.

    Args:
        stage: name of the component.
    """
    modules = reached_modules(stage, {}, SOURCES, _parsed(), task_parts=COMPONENTS.load(stage).task_parts)
    return hashlib.sha256(json.dumps(modules).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _parsed() -> FileCache:
    """One cache for all components, which share most modules."""
    return FileCache()


if __name__ == "__main__":
    print(code_digest(sys.argv[1]) if sys.version_info[:2] == PYTHON else "")
