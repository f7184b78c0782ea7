"""A source that is divided by time: the partitions that a run reads, pinned as one source.

Each partition is pinned at its own address, and the items are read in the order of time. The identity is that of any source: names and
revisions of the items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.recipe.partitions import neighbour, source_at, window_of
from pipeline.sources.base import MissingSource, Pin
from pipeline.sources.left_out import added_up

if TYPE_CHECKING:
    from pipeline.recipe.data import Source
    from pipeline.recipe.partitions import Partitions
    from pipeline.settings import Settings
    from pipeline.sources.base import Pinner

SEARCHED = 14
"""How many partitions before and after a missing one are looked for, to name the nearest."""

OWN_WORDS = frozenset({"sql", "hub"})
"""Kinds that say themselves what is missing: they have no file of their kind."""


def pin_partitions(source: Source, pinner: Pinner, settings: Settings) -> Pin:
    """Pin the partitions that a run reads.

    Args:
        source: with its partitions, and the partition of the run.
        pinner: pins the source at the address of one partition.
        settings: of the pinner.

    Raises:
        BadInput: the run names no partition, or one of the window is missing or empty; the nearest one is named.
        Unavailable: the server is unreachable.
    """
    partitions = source.partitions
    assert partitions is not None  # noqa: S101 - the caller looked
    if source.partition is None:
        raise BadInput(f"the source has a partition for each {partitions.by}, and none is named", "", "say --partition")
    keys = window_of(partitions, source.partition)
    pins = [_pin(source, partitions, key, pinner, settings) for key in keys]
    return Pin(
        kind=source.kind,
        items=tuple(item for pin in pins for item in pin.items),
        root=pins[0].root if len(pins) == 1 else None,
        together=any(pin.together for pin in pins),
        left_out=added_up(one for pin in pins for one in pin.left_out),
    )


def _pin(source: Source, partitions: Partitions, key: str, pinner: Pinner, settings: Settings) -> Pin:
    """Pin one partition."""
    one = source_at(source, key)
    try:
        return pinner(one, settings)
    except MissingSource as error:
        window = f" of the window of {partitions.window} up to {source.partition}" if partitions.window > 1 else ""
        nearest = _nearest(source, partitions, key, pinner, settings)
        near = f"the nearest one is {nearest}" if nearest else f"none of the {SEARCHED} before and after it is there either"
        what = error.got.removeprefix("data.source: ") if source.kind in OWN_WORDS else f"{one.path} has no {source.kind} file"
        raise BadInput(f"partition {key}{window} is missing: {what}; {near}", "", "bring its data, or name another partition") from error


def _nearest(source: Source, partitions: Partitions, key: str, pinner: Pinner, settings: Settings) -> str | None:
    """The nearest partition that exists, an earlier one first; None if there is none near."""
    for distance in (sign * count for count in range(1, SEARCHED + 1) for sign in (-1, 1)):
        near = neighbour(key, partitions.by, distance)
        try:
            pinner(source_at(source, near), settings)
        except BadInput:
            continue
        return near
    return None
