"""The promotion ledger: which model is champion, and every decision that led there.

An entry is the object ``ledger/<model>/<number>.json``. Entries are only appended, each with a put that fails if the number is
taken. So when two runs decide on the same state, one put fails and that run decides again. MLflow's aliases cannot do this:
they have no compare-and-set, and the later write silently wins. Every entry names the champion it was decided against, so one
more read after the newest entry finds the champion, however long the ledger is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.artifacts.sealed import read_sealed
from pipeline.errors import BadInput, unknown_name
from pipeline.registry.ledger_entry import LedgerEntry, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.artifacts.base import Store

ROOT = "ledger"
LOOK_BACK = 20
"""Entries that a search for a decision reads at most."""

READERS = 16
"""Entries that are read at the same time."""


class Ledger:
    """The ledger of one registered model."""

    def __init__(self, store: Store, model: str) -> None:
        """Read nothing yet.

        Args:
            store: holds the ledgers.
            model: the registered name.
        """
        self.store = store
        self.model = model

    @staticmethod
    def models(store: Store) -> list[str]:
        """Names of all models that have a ledger."""
        return sorted({found.key.split("/")[1] for found in store.list(f"{ROOT}/")})

    def head(self) -> LedgerEntry | None:
        """The newest entry; None while the ledger is empty."""
        keys = [found.key for found in self.store.list(f"{ROOT}/{self.model}/")]
        return self.entry(int(keys[-1].rpartition("/")[2].removesuffix(".json"))) if keys else None

    def newest(self) -> LedgerEntry:
        """The newest entry.

        Raises:
            BadInput: the ledger is empty; the most similar name that has one is suggested.
        """
        head = self.head()
        if head is None:
            raise unknown_name("model", self.model, self.models(self.store))
        return head

    def champion(self, head: LedgerEntry | None = None) -> LedgerEntry | None:
        """The entry that made the current champion; None while there is no champion.

        Args:
            head: the newest entry, where the caller has read it already.
        """
        head = head or self.head()
        if head is None or head.champion_number is None:
            return None
        return head if head.champion_number == head.number else self.entry(head.champion_number)

    def champions(self, champion: LedgerEntry | None) -> Iterator[LedgerEntry]:
        """Every entry that made a champion, newest first, without a look at the refusals between them.

        Args:
            champion: the entry that made the current one.
        """
        while champion is not None:
            yield champion
            champion = None if champion.against is None else self.entry(champion.against)

    def entry(self, number: int) -> LedgerEntry:
        """Read one entry.

        Raises:
            NotFound: no such entry.
            Damaged: it cannot be read, or its seal does not match.
            BadInput: it is whole, but no entry, or the one of another number.
        """
        key = self.key(number)
        body = read_sealed(self.store, key)
        try:
            entry = LedgerEntry.model_validate(body)
        except ValidationError as error:
            raise BadInput(f"{key} is not a ledger entry", "", "restore the object from a backup") from error
        if entry.number != number:
            raise BadInput(f"{key} is entry {entry.number}", "", "restore the object from a backup")
        return entry

    def newest_first(self, head: LedgerEntry | None, until: int = 0) -> Iterator[LedgerEntry]:
        """Entries from ``head`` back to the one after number ``until``."""
        if head is not None and head.number > until:
            yield head
            yield from self.entries(range(head.number - 1, until, -1))

    def entries(self, numbers: Sequence[int]) -> Iterator[LedgerEntry]:
        """Entries in this order, read ahead: first one, then twice as many each time. Whoever stops early has read few in vain."""
        start, count = 0, 1
        while start < len(numbers):
            batch = numbers[start : start + count]
            if len(batch) == 1:
                yield self.entry(batch[0])
            else:
                with ThreadPoolExecutor(READERS) as pool:
                    for reading in [pool.submit(self.entry, number) for number in batch]:
                        yield reading.result()
            start += count
            count = min(2 * count, 4 * READERS)

    def append(self, entry: LedgerEntry) -> LedgerEntry:
        """Write the entry at its number.

        Raises:
            Conflict: another decision has that number: read the head and decide again.
        """
        self.store.put(self.key(entry.number), entry.to_bytes(), if_absent=True)
        return entry

    def find_decision(self, basis: str, head: LedgerEntry | None, champion: LedgerEntry | None) -> LedgerEntry | None:
        """The decision on this basis against this champion, if it is among the newest `LOOK_BACK` and no proposal that expired or was refused later.

        An older one counts as unknown: the gate decides again, with the same answer. Without that bound, planning would read
        every refusal since the champion.
        """
        expired: set[int | None] = set()
        for entry in self._recent(head, champion):
            if entry.about and entry.decision in {Outcome.EXPIRED, Outcome.REFUSED}:
                expired.add(entry.about)
            elif entry.basis == basis and entry.number not in expired:
                return entry
        return None

    def find_newest_about(self, digest: str, head: LedgerEntry | None, champion: LedgerEntry | None) -> LedgerEntry | None:
        """The newest decision about the model with this digest since this champion, if it is among the newest `LOOK_BACK`."""
        return next((entry for entry in self._recent(head, champion) if entry.digest == digest), None)

    def decision_of_run(self, run: str, head: LedgerEntry | None) -> LedgerEntry | None:
        """The entry that this run appended, if it is among the newest `LOOK_BACK`: other runs may have decided since."""
        return next((entry for entry in self._recent(head, None) if entry.run == run), None)

    def waiting(self, head: LedgerEntry | None) -> LedgerEntry | None:
        """The proposal that waits for people, if one does."""
        return self.entry(head.waiting) if head and head.waiting else None

    def end_of(self, proposal: int, head: LedgerEntry | None) -> LedgerEntry | None:
        """The entry that ended a proposal: promoted, rejected or expired; None if it waits, or became void."""
        return next((entry for entry in self.newest_first(head, proposal) if entry.about == proposal), None)

    def find_rollback_of(self, digest: str, champion: LedgerEntry | None) -> LedgerEntry | None:
        """The rollback that replaced the model with this digest by the current champion, if there is one.

        A person decided against that model. The line must not promote it again by itself, or the next scheduled run
        would undo the rollback. It may be promoted again once another model has become champion.
        """
        entry, current = champion, champion
        while entry and current and entry.decision is Outcome.ROLLED_BACK and entry.against is not None:
            before = self.entry(entry.against)
            if before.digest == digest != current.digest:
                return entry
            entry = before
        return None

    def _recent(self, head: LedgerEntry | None, champion: LedgerEntry | None) -> Iterator[LedgerEntry]:
        """The newest entries after the champion's, `LOOK_BACK` at most."""
        return self.newest_first(head, max(champion.number if champion else 0, head.number - LOOK_BACK if head else 0))

    def key(self, number: int) -> str:
        """Key of an entry; the digits make the order of keys the order of entries."""
        return f"{ROOT}/{self.model}/{number:06d}.json"
