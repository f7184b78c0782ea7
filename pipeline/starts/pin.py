"""Pin whatever a step reads from outside: a source of text or several, or pretrained weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe.data import Data, Mixture, Source
from pipeline.recipe.start import Start
from pipeline.sources import PINNERS
from pipeline.sources.mixture import pin_mixture
from pipeline.sources.partitions import pin_partitions
from pipeline.starts import pin_start

if TYPE_CHECKING:
    from pipeline.component import Params
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, Pinner


def pin_source(source: Source | Mixture | Start, settings: Settings) -> Pin:
    """The revision that the source has now.

    Raises:
        BadInput: it is missing or empty.
        Unavailable: its server is unreachable.
    """
    if isinstance(source, Start):
        return pin_start(source, settings)
    if isinstance(source, Mixture):
        return pin_mixture(source, lambda one: pin_source(one, settings))
    pinner: Pinner = PINNERS.load(source.kind)
    return pin_partitions(source, pinner, settings) if source.partitions else pinner(source, settings)


def source_of(params: Params) -> Source | Mixture | Start | None:
    """The outside source that a component's params name; None if they name none."""
    for _, section in params:
        if isinstance(section, Start):
            return section
        if isinstance(section, Data):
            return section.origin
    return None
