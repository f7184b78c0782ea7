"""The files of a dataset of the hub, by the reader of their format (`pipeline.sources.hub`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.readers import READERS
from pipeline.sources.hub_layout import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Fields, Filtered, Quarantined, Record
    from pipeline.corpus.readers.base import Reader
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined | Filtered | Fields]:
    """Yield each record.

    Raises:
        BadInput: a file is corrupt as a whole, or lacks a field the recipe names.
        SourceChanged: a file is no longer at its pinned revision.
        Unavailable: the hub does not answer.
    """
    kind = kind_of(pin.items[0].name)
    assert kind is not None  # noqa: S101 - the pin has files of one format only
    reader: Reader = READERS.load(kind)
    yield from reader(source.model_copy(update={"kind": kind}), pin, settings, reporter)
