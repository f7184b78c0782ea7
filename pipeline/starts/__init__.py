"""Where pretrained weights come from: how each kind of address is pinned, and how its files are fetched.

Pinning happens while a run is planned and needs no ML library. Fetching happens in the component, which gets the pinned files and no
others. `pipeline.pretrained` checks and converts what was fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lookup import Table
from pipeline.starts.base import facts_at

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.families.base_facts import BaseFacts
    from pipeline.recipe.start import Start
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.starts.base import StartKind

STARTS = Table(
    "kind of start",
    None,
    {
        "folder": "pipeline.starts.folder:LocalStart",
        "s3": "pipeline.starts.bucket:BucketStart",
        "package": "pipeline.starts.package:PackageStart",
        "hub": "pipeline.starts.hub:HubStart",
    },
)


def pin_start(start: Start, settings: Settings) -> Pin:
    """Find the revision of the weights at an address; light, because it runs in the scheduler.

    Raises:
        BadInput: nothing of that kind is at the address.
        Unavailable: its server is unreachable.
    """
    return _kind(start, settings).pin()


def facts_of_start(start: Start, settings: Settings) -> BaseFacts | None:
    """What is known of the weights at an address without fetching them: a bounded read; None where nothing is within reach.

    Raises:
        BadInput: they cannot be used.
        Unavailable: their server is unreachable.
    """
    look = _kind(start, settings).look()
    return facts_at(look) if look else None


def fetch_start(start: Start, pin: Pin, folder: Path, settings: Settings, reporter: Reporter) -> Path:
    """Fetch the pinned files and check that they are the pinned ones.

    Args:
        start: the address.
        pin: what `pin_start` found when the run was planned.
        folder: empty folder for the files.
        settings: addresses of servers.
        reporter: gets progress, and may ask to stop.

    Returns:
        The folder below which the files are.

    Raises:
        BadInput: there are no such files any more, or they are not the pinned ones.
        Unavailable: a file changed since it was planned, or its server is unreachable.
        Preempted: asked to stop.
    """
    return _kind(start, settings).fetch(pin, folder, reporter)


def _kind(start: Start, settings: Settings) -> StartKind:
    made: StartKind = STARTS.load(start.kind)(start, settings)
    return made
