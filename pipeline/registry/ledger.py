"""The promotion ledger: which model is in service, and every decision that led there.

Entries lie at ``ledger/<model>/<number>.json`` and are only ever appended, each with a put that fails if the number is taken.
So of two promoters that decided on the same state one is told to look again, which MLflow's aliases cannot do: they have no
compare-and-set, and the later write silently wins. Because every entry names the champion it was decided against, the
champion is found from the newest entry with one more read, however long the ledger has become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.errors import BadInput
from pipeline.registry.entry import Entry, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.base import Store

ROOT = "ledger"


class Ledger:
    """The ledger of one registered model."""

    def __init__(self, store: Store, model: str) -> None:
        """Nothing is read yet.

        Args:
            store: where ledgers lie.
            model: the registered name.
        """
        self.store = store
        self.model = model

    @staticmethod
    def models(store: Store) -> list[str]:
        """Names of all models that a decision was taken about."""
        return sorted({found.key.split("/")[1] for found in store.list(f"{ROOT}/")})

    def head(self) -> Entry | None:
        """The newest entry; None while the ledger is empty."""
        keys = [found.key for found in self.store.list(f"{ROOT}/{self.model}/")]
        return self.entry(int(keys[-1].rpartition("/")[2].removesuffix(".json"))) if keys else None

    def champion(self, head: Entry | None = None) -> Entry | None:
        """The entry that put the model in service there; None while there is no champion.

        Args:
            head: the newest entry, where the caller has read it already.
        """
        head = head or self.head()
        if head is None or head.serving is None:
            return None
        return head if head.serving == head.number else self.entry(head.serving)

    def entry(self, number: int) -> Entry:
        """Read one entry.

        Raises:
            NotFound: no such entry.
            BadInput: somebody wrote there by other means.
        """
        key = self.key(number)
        try:
            return Entry.model_validate_json(self.store.get(key).data)
        except ValidationError as error:
            raise BadInput(f"ledger entry {key} is not readable", "an entry", "restore the object from a backup") from error

    def back(self, head: Entry | None, until: int = 0) -> Iterator[Entry]:
        """Entries from ``head`` backwards, down to but without number ``until``."""
        if head is not None and head.number > until:
            yield head
            for number in range(head.number - 1, until, -1):
                yield self.entry(number)

    def append(self, entry: Entry) -> Entry:
        """Write the entry at its number.

        Raises:
            Conflict: another decision took the number meanwhile: read the head and decide again.
        """
        self.store.put(self.key(entry.number), entry.model_dump_json(indent=2).encode(), if_absent=True)
        return entry

    def refusal(self, digest: str, head: Entry | None, champion: Entry | None) -> Entry | None:
        """The newest refusal of the model with this digest against this champion, if it was refused."""
        until = champion.number if champion else 0
        same = (entry for entry in self.back(head, until) if entry.digest == digest and entry.decision is Outcome.REFUSED)
        return next(same, None)

    def withdrawn(self, digest: str, champion: Entry | None) -> Entry | None:
        """The rollback that took the model with this digest out of service in favour of the champion, if one did.

        A person decided against that model: the line must not bring it back by itself, or the next scheduled run
        would undo the rollback. It may stand again once another model has become champion.
        """
        entry, current = champion, champion
        while entry and current and entry.decision is Outcome.ROLLED_BACK and entry.against is not None:
            before = self.entry(entry.against)
            if before.digest == digest != current.digest:
                return entry
            entry = before
        return None

    def key(self, number: int) -> str:
        """Key of an entry; the digits make the order of keys the order of entries."""
        return f"{ROOT}/{self.model}/{number:06d}.json"
