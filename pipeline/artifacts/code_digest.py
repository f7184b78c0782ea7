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
from typing import Any

from components import COMPONENTS
from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.extension_points import table
from pipeline.file_cache import FileCache
from pipeline.recipe.names import FIELDS, OWN_FIELDS

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
    params = params_with_every_name()
    modules = reached_modules(stage, params, SOURCES, _parsed(), task_parts=COMPONENTS.load(stage).task_parts_with(params))
    return hashlib.sha256(json.dumps(modules).encode()).hexdigest()[:16]


def params_with_every_name() -> dict[str, Any]:
    """Params that name all entries of all extension tables, as no recipe does."""
    params: dict[str, Any] = {}
    for field, group in (*FIELDS, *OWN_FIELDS):
        *sections, last = field.split(".")
        place = params
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = sorted({*place.get(last, ()), *table(group)})
    return params


@lru_cache(maxsize=1)
def _parsed() -> FileCache:
    """One cache for all components, which share most modules."""
    return FileCache()


if __name__ == "__main__":
    print(code_digest(sys.argv[1]) if sys.version_info[:2] == PYTHON else "")
