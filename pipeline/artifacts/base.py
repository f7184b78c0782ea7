"""The protocol of an object store. Two implementations: `s3` and `folder`.

Four operations matter most: *put if absent* (blobs, manifests, ledger), *put if unchanged* (leases, pointers), *delete if
unchanged* (garbage collection) and *get with etag*. Keys are relative to the store's prefix and use forward slashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline.errors import TrainshedError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path


class NotFound(TrainshedError):
    """No object at this key."""


class Conflict(TrainshedError):
    """The condition of a conditional request did not hold: the object exists, or changed since it was read."""


class CorruptObject(Unavailable):
    """The store works and lists the object, but cannot return its bytes: they are damaged on the server's disk."""


class Stored(NamedTuple):
    """An object's bytes, with the etag that a later conditional put needs."""

    data: bytes
    etag: str


class Stat(NamedTuple):
    """Metadata of an object."""

    key: str
    size: int
    etag: str
    modified: datetime


def no_beat() -> None:
    """The default of ``beat``: nobody watches the transfer."""


class Store(Protocol):
    """An object store: strongly consistent, with conditional writes."""

    @property
    def url(self) -> str:
        """Address of the store, for messages; contains no credential."""

    def get(self, key: str) -> Stored:
        """Read a small object whole.

        Raises:
            NotFound: no object at ``key``.
            CorruptObject: only this object cannot be read.
            Unavailable: the store was unreachable for ``s3_retry_s``.
        """

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write a small object and return its etag.

        A conditional put whose response was lost is resolved by reading back: it succeeds when the store holds
        exactly ``data``.

        Args:
            key: where to write.
            data: the bytes.
            if_absent: refuse when the key exists.
            if_match: refuse when the object's etag is not this one.

        Raises:
            Conflict: the condition did not hold.
            Unavailable: the store was unreachable for ``s3_retry_s``, or is full.
            BadInput: wrong credentials, no such bucket.
        """

    def head(self, key: str) -> Stat | None:
        """Metadata of the object at ``key``; None if there is no such object."""

    def list(self, prefix: str) -> Iterator[Stat]:
        """All objects whose key starts with ``prefix``, in order of their keys."""

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete the object; no error if it does not exist.

        Args:
            key: what to delete.
            if_match: refuse when the object's etag is not this one.

        Raises:
            Conflict: the object changed.
        """

    def upload(self, path: Path, key: str, *, replaces: Stat | None = None, beat: Callable[[], None] = no_beat) -> bool:
        """Put a file if the key is absent, multipart above a size, in bounded memory.

        Args:
            path: the file.
            key: where to write.
            replaces: the object to write again, as `head` saw it. The new object has another etag even if the bytes are the
                same, so a delete that is conditional on the old etag fails.
            beat: called for each part sent.

        Returns:
            True if the bytes were sent, False if the store had the key already.
        """

    def chunks(self, key: str, size: int = 1 << 20) -> Iterator[bytes]:
        """Read an object piece by piece, in pieces of at most ``size`` bytes.

        Raises:
            NotFound: no object at ``key``.
            CorruptObject: only this object cannot be read.
            Unavailable: the store was unreachable for ``s3_retry_s``.
            Conflict: the object was replaced while it was read.
        """
