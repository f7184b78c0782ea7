"""The image that a component runs in, from the setting ``TRAINSHED_IMAGES``."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.settings import Settings


def image_of(name: str, settings: Settings) -> str:
    """Reference of a component's image, e.g. ``trainshed/ingestion:0.1.0``.

    Args:
        name: of the image: the stage, or what `pipeline.component.Component.image_with` says.
        settings: what images are called.

    Raises:
        BadInput: the setting has an unknown name in braces.
    """
    try:
        return settings.images.format(stage=name, version=version("trainshed"))
    except (KeyError, IndexError, ValueError) as error:
        raise BadInput(
            f"TRAINSHED_IMAGES = {settings.images!r}", "a reference, with {stage} and {version} where they differ", "correct it"
        ) from error
