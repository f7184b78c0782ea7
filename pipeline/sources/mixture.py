"""Several sources, pinned as one: each on its own, and the identity of all follows from theirs.

The digests of the parts say nothing about where the sources are. Their order counts, because of equal documents the first source keeps its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import TrainshedError
from pipeline.recipe.mixture import SourcePart
from pipeline.sources.base import Pin, PinnedPart
from pipeline.sources.left_out import added_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.recipe.data import Mixture, Source

KIND = "sources"
"""Kind of such a pin."""


def pin_mixture(mixture: Mixture, pin: Callable[[Source], Pin]) -> Pin:
    """Pin each source.

    Args:
        mixture: the sources by name.
        pin: pins one.

    Raises:
        BadInput: one is missing or empty; the message names its field.
        Unavailable: the server of one is unreachable.
    """
    parts = tuple(PinnedPart(name=name, pin=_pinned(SourcePart(name, source), pin)) for name, source in mixture.sources.items())
    return Pin(kind=KIND, items=(), parts=parts, left_out=added_up(one for part in parts for one in part.pin.left_out))


def _pinned(part: SourcePart, pin: Callable[[Source], Pin]) -> Pin:
    try:
        return pin(part.source)
    except TrainshedError as error:
        raise part.error(error) from error
