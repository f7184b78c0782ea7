"""Tombstones: ``forgotten/<number>.json``, which documents people asked to forget, who asked, when and why.

Entries are only appended, each with a put that fails if the number is taken, and have a seal over their fields, as those of the promotion ledger.
They hold digests only. An entry also says which corpora the store had when it was written, and which of them hold the documents. So a plan
knows without reading a corpus whether an entry concerns it.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field, ValidationError

from pipeline.artifacts.manifest import Frozen, canonical_json, to_sealed
from pipeline.artifacts.sealed import read_sealed
from pipeline.erasure.keys import document_keys
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Manifest

ROOT = "forgotten"
APPLIED = "forgotten_entries"
"""Count of a corpus: the number of the newest entry whose documents were left out of it."""

READERS = 16
SHORT = 16
"""Digits of a corpus's digest by which an entry lists it."""


class Tombstone(Frozen):
    """One request to forget documents."""

    model_config = ConfigDict(extra="ignore")

    schema_version: int = 1
    """Version of this layout."""

    number: int = Field(ge=1)
    """Position, from 1."""

    time: datetime
    """When it was asked for, with time zone."""

    person: str
    """Who ran the command."""

    reason: str = ""
    """Why, in the person's words."""

    ids: tuple[str, ...] = ()
    """Ids of documents."""

    texts: tuple[str, ...] = ()
    """Digests of texts, see `pipeline.erasure.keys`."""

    held: dict[str, tuple[str, ...]] = {}
    """Content digest of each corpus that held such documents, with their splits."""

    searched: tuple[str, ...] = ()
    """The first `SHORT` digits of the content digest of every corpus that was searched."""

    @cached_property
    def digest(self) -> str:
        """Identity of what is to be forgotten, as 64 hexadecimal digits."""
        return _digest(self.ids, self.texts)

    def concerns(self, corpus: Manifest) -> bool:
        """Whether a corpus holds such documents, or nobody knows: it was being made when the search ran."""
        if corpus.counts.get(APPLIED, 0) >= self.number:
            return False
        return corpus.digest in self.held or corpus.digest[:SHORT] not in self.searched


class Forgotten:
    """Whether a document is to be forgotten, by some entries."""

    def __init__(self, entries: Iterable[Tombstone] = ()) -> None:
        """Collect the digests.

        Args:
            entries: the entries that count.
        """
        entries = tuple(entries)
        self.ids = {one for entry in entries for one in entry.ids}
        self.texts = {one for entry in entries for one in entry.texts}
        self.until = max((entry.number for entry in entries), default=0)
        """Number of the newest entry."""

    @cached_property
    def digest(self) -> str:
        """Identity of what is to be forgotten, as 64 hexadecimal digits."""
        return _digest(self.ids, self.texts)

    def __contains__(self, document: tuple[str, str, str | None]) -> bool:
        """Whether a document is to be forgotten: its id, text and second text."""
        one, text, pair = document
        return one in self.ids or (bool(self.texts) and not self.texts.isdisjoint(document_keys(text, pair)))


def read_tombstones(store: Store) -> list[Tombstone]:
    """All entries, in their order.

    Raises:
        Damaged: an entry cannot be read, or its seal does not match.
        BadInput: it is whole, but no entry of its number.
    """
    keys = [stat.key for stat in store.list(f"{ROOT}/")]
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda key: _read(store, key), keys))


def append_tombstone(store: Store, entry: Tombstone) -> None:
    """Write an entry at its number.

    Raises:
        Conflict: another entry has that number: read all again.
    """
    store.put(_key(entry.number), to_sealed(entry.model_dump(mode="json")), if_absent=True)


def copy_tombstones(source: Store, target: Store, until: int) -> None:
    """Make the entries of another store those of this one up to a number: an old corpus is made again as it was made then."""
    for stat in list(target.list(f"{ROOT}/")):
        target.delete(stat.key)
    for entry in read_tombstones(source):
        if entry.number <= until:
            append_tombstone(target, entry)


def numbers(entries: Sequence[int]) -> str:
    """``entry 3``, or ``entries 3 and 4``."""
    *first, last = map(str, sorted(entries))
    return f"entries {', '.join(first)} and {last}" if first else f"entry {last}"


def _digest(ids: Iterable[str], texts: Iterable[str]) -> str:
    return hashlib.sha256(canonical_json([sorted(ids), sorted(texts)])).hexdigest()


def _key(number: int) -> str:
    return f"{ROOT}/{number:06d}.json"


def _read(store: Store, key: str) -> Tombstone:
    body = read_sealed(store, key)
    try:
        entry = Tombstone.model_validate(body)
    except ValidationError as error:
        raise BadInput(f"{key} is not a tombstone", "", "restore the object from a backup") from error
    if _key(entry.number) != key:
        raise BadInput(f"{key} is entry {entry.number}", "", "restore the object from a backup")
    return entry
