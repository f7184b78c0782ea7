"""A pinned source: the revision of external text that a run reads, decided before a byte is read."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pipeline.artifacts.manifest import Frozen, canonical_json
from pipeline.errors import BadInput
from pipeline.sources.left_out import LeftOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.recipe.data import Source
    from pipeline.settings import Settings


class PinnedItem(Frozen):
    """One file, object or distribution of a source."""

    name: str
    """Path, ``s3://`` address or distribution name."""

    revision: str
    """Identifies its bytes: ``sha256:…`` of a local file, ``etag:…`` of an object, ``record:…`` of a distribution."""

    size: int = 0
    """Length in bytes, where known."""

    version: str | None = None
    """Id of the version of an object, in a bucket that keeps versions; it is no part of the identity."""

    quoted: str | None = None
    """Its path as in a URL, where the bytes of the path are not UTF-8; then ``name`` only shows it."""


class Pin(Frozen):
    """A source at one revision."""

    kind: str
    """Kind of the source, e.g. ``"jsonl"``."""

    items: tuple[PinnedItem, ...]
    """The items to read, in this order."""

    root: str | None = None
    """Folder or prefix below which the folders of an item mean something, e.g. its language; None where only file names do."""

    together: bool = False
    """Whether a record may need several items, e.g. a catalogue in two languages: then they are read together. No part of the identity."""

    left_out: tuple[LeftOut, ...] = ()
    """What the search found and did not take; no part of the identity."""

    def chunk(self, items: Sequence[PinnedItem]) -> Pin:
        """Some of the items, as a source of their own."""
        # no `model_copy`: that would take the cached digest along
        return Pin(kind=self.kind, items=tuple(items), root=self.root)

    def path(self, item: PinnedItem) -> str:
        """The part of an item's name that means something."""
        return item.name.rpartition("/")[2] if self.root is None else item.name.removeprefix(self.root)

    parts: tuple[PinnedPart, ...] = ()
    """The sources that are read together, each at its revision; then ``items`` is empty."""

    @property
    def count(self) -> int:
        """Number of items, those of the parts included."""
        return len(self.items) + sum(part.pin.count for part in self.parts)

    @property
    def named(self) -> tuple[tuple[str, Pin], ...]:
        """Each source by its name; the only one of a recipe has none."""
        return tuple((part.name, part.pin) for part in self.parts) or (("", self),)

    forgotten: tuple[str, ...] = ()
    """Digests of the tombstones whose documents a corpus of this source would hold (`pipeline.erasure`); part of the identity."""

    forgotten_until: int = 0
    """Number of the newest tombstone when it was pinned; no part of the identity."""

    @cached_property
    def digest(self) -> str:
        """Identity of the content, as 64 hexadecimal digits: revisions and file names, wherever the source is, and what is left out of it."""
        rows = [(self.path(item), item.revision) for item in self.items] or [(part.name, part.pin.digest) for part in self.parts]
        forgotten = [sorted(self.forgotten)] if self.forgotten else []
        return hashlib.sha256(canonical_json([self.kind, rows, *forgotten])).hexdigest()

    def without(self, forgotten: tuple[str, ...], until: int) -> Pin:
        """The same source, of which documents are left out.

        Args:
            forgotten: digests of the tombstones that concern it.
            until: number of the newest one that there is.
        """
        # no `model_copy`: that would take the cached digest along
        return Pin(**{**self.model_dump(), "forgotten": forgotten, "forgotten_until": until})


class PinnedPart(Frozen):
    """One of several sources at one revision."""

    name: str
    """Its name in the recipe."""

    pin: Pin


Pin.model_rebuild()  # it holds parts, and a part holds a pin


class MissingSource(BadInput):
    """Nothing is at the address of a source: no file, no object."""


class Pinner(Protocol):
    """Finds the current revision of a source; light, because it runs in the scheduler."""

    def __call__(self, source: Source, settings: Settings) -> Pin:
        """Pin ``source``.

        Raises:
            MissingSource: nothing is at its address.
            BadInput: the source is empty, or may not be read.
            Unavailable: its server is unreachable.
        """
