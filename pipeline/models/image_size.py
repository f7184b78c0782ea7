"""The size of the images that a model reads, in its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def set_image_size(config: PretrainedConfig, side: int) -> None:
    """Let a new model read images of a size.

    Raises:
        BadInput: the patches do not fit.
    """
    patch = config.encoder.patch_size
    if side % patch:
        expected, fix = f"a multiple of the patches' {patch} pixels", "change it, or model.config.encoder.patch_size"
        raise BadInput(f"task.image_size {side}", expected, fix)
    config.encoder.image_size = side


def check_image_size(config: PretrainedConfig, side: int) -> None:
    """Refuse given weights for images of another size.

    Raises:
        BadInput: they are.
    """
    found = config.encoder.image_size
    if found != side:
        raise BadInput(
            f"task.image_size {side} with given weights for images of {found} pixels", str(found), f"set task.image_size to {found}"
        )
