"""The protocol of a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Fields, Filtered, Quarantined, Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


class Reader(Protocol):
    """Reads a source at its pinned revision, in the same order every time, in bounded memory."""

    def __call__(
        self, source: Source, pin: Pin, settings: Settings, reporter: Reporter
    ) -> Iterator[Record | Quarantined | Filtered | Fields]:
        """Yield each record, or why it could not be read or is no example; last, if it knows them, the fields that the rows have.

        It is given the items of one chunk. A field that the recipe names may be missing from them and be in other items.

        Args:
            source: kind, and which field holds text, target, name and group.
            pin: the items to read.
            settings: address of the S3 server.
            reporter: gets the number of bytes read.

        Raises:
            BadInput: a file is corrupt as a whole, or, in a format with a list of fields, lacks one the recipe names.
            SourceChanged: an item is no longer at its pinned revision.
            Unavailable: its server is unreachable.
        """
