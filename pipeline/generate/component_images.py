"""The images of components, for ``infra/images/build.sh``: ``python -m pipeline.generate.component_images``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from components import COMPONENTS

if TYPE_CHECKING:
    from pipeline.component import BaseImage


class ComponentImage(NamedTuple):
    """One image."""

    name: str
    """Such as ``ingestion``, or ``ingestion-training`` for the second image of a component."""

    stage: str
    """The component."""

    base: BaseImage
    """The base image it is built on."""


def component_images() -> list[ComponentImage]:
    """All of them, in the order of the table of components; a second image comes after its component's first."""
    return [ComponentImage(name, stage, base) for stage in COMPONENTS for name, base in COMPONENTS.load(stage).images.items()]


if __name__ == "__main__":
    for image in component_images():
        print(*image)
