"""The base image of each component, for ``infra/images/build.sh``: ``python -m pipeline.generate.component_images``."""

from __future__ import annotations

from components import COMPONENTS


def base_images() -> dict[str, str]:
    """Base image by component, in the order of the table, e.g. ``{"ingestion": "light"}``."""
    return {name: COMPONENTS.load(name).image for name in COMPONENTS}


if __name__ == "__main__":
    for name, base in base_images().items():
        print(name, base)
