"""Garbage of the monitor: served texts and looks that are too old, and profiles of corpora that are collected.

Served texts are personal data, so their age alone decides. Nothing relies on them: a look that compared them has recorded what it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime, timedelta

    from pipeline.artifacts.base import Stat, Store

SERVED, LOOKS, PROFILES = "served/", "monitoring/", "profiles/"


def watched_objects(
    store: Store, now: datetime, served: timedelta, looks: timedelta, young: timedelta, digests: Collection[str]
) -> Iterator[tuple[Stat, bool]]:
    """What the monitor of any model left, each with whether it is kept.

    Args:
        store: where to look.
        now: time from which ages are counted.
        served: age above which served texts go.
        looks: age above which looks go; the newest one of a model stays, because it holds the cool-down.
        young: a profile that is younger stays.
        digests: content digests of the artifacts that stay.
    """
    for stat in store.list(SERVED):
        yield stat, now - stat.modified < served
    found = list(store.list(LOOKS))
    # keys sort by time
    newest = {stat.key.split("/")[1]: stat.key for stat in found}
    for stat in found:
        yield stat, now - stat.modified < looks or stat.key in newest.values()
    for stat in store.list(PROFILES):
        digest = stat.key.removeprefix(PROFILES).partition("-")[0]
        yield stat, digest in digests or now - stat.modified < young
