"""The image that a component runs in, from the setting ``TRAINSHED_IMAGES``."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.settings import Settings


def image_of(stage: str, settings: Settings) -> str:
    """Reference of a component's image, e.g. ``trainshed/ingestion:0.1.0``.

    Raises:
        BadInput: the setting has an unknown name in braces.
    """
    try:
        return settings.images.format(stage=stage, version=version("trainshed"))
    except (KeyError, IndexError, ValueError) as error:
        raise BadInput(
            f"TRAINSHED_IMAGES = {settings.images!r}", "a reference, with {stage} and {version} where they differ", "correct it"
        ) from error
