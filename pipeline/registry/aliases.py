"""MLflow's aliases follow the ledger. Where one differs, it is reported and put back.

``champion`` is the model that the ledger says is in service, ``challenger`` the one that was decided about last. Both are found
by content digest, not by version number: after MLflow was wiped, the same model has another number.

MLflow has no compare-and-set for aliases. So whoever sets one reads the ledger again afterwards, and repeats until its newest
entry is unchanged: of two runs, the one that set an alias by an older entry corrects it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.versions import find_version, read_aliases, remove_alias, set_alias

if TYPE_CHECKING:
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.registry.versions import Version
    from pipeline.tracking.server import MlflowServer

CHAMPION = "champion"
CHALLENGER = "challenger"

log = logging.getLogger(__name__)


class MovedAlias(NamedTuple):
    """An alias that differs from the ledger: somebody moved it, or a run ended between its ledger entry and the alias."""

    model: str
    """The registered model."""

    alias: str

    found: int | None
    """The version that it points to; None if it does not exist."""

    wanted: int | None
    """The version that the ledger says; None if it says there is none."""

    def __str__(self) -> str:
        """One sentence for people, without what happens next."""
        points = "is missing" if self.found is None else f"points to version {self.found}"
        wanted = f"the ledger says version {self.wanted}" if self.wanted is not None else "the ledger has no champion"
        return f"alias {self.alias} of {self.model} {points} in MLflow, but {wanted}"


class SyncedAliases(NamedTuple):
    """The state that MLflow's aliases were set to."""

    champion: LedgerEntry | None
    """The ledger entry of the champion."""

    versions: dict[str, Version | None]
    """Content digest → version, for each model that should have an alias. None where MLflow has no version of it: the alias can
    only be set after the model is registered again."""

    moved: tuple[MovedAlias, ...] = ()
    """The aliases that differed from the ledger before."""

    @property
    def lost_champion(self) -> LedgerEntry | None:
        """The champion, if MLflow has no version of it."""
        return self.champion if self.champion and self.versions[self.champion.digest] is None else None


def sync_aliases(server: MlflowServer, ledger: Ledger, head: LedgerEntry | None = None) -> SyncedAliases:
    """Set MLflow's aliases to what the ledger says, until the ledger no longer changes meanwhile.

    Args:
        server: the MLflow server.
        ledger: the ledger of the registered model.
        head: its newest entry, where the caller has read it already.
    """
    head = head or ledger.head()
    first: tuple[MovedAlias, ...] | None = None
    while True:
        found = read_synced(server, ledger, head)
        first = found.moved if first is None else first
        for moved in found.moved:
            _set(server, moved)
        newest = ledger.head() if found.moved else head
        if newest == head:
            return found._replace(moved=first)
        head = newest


def read_synced(server: MlflowServer, ledger: Ledger, head: LedgerEntry | None) -> SyncedAliases:
    """Compare MLflow's aliases with the ledger; changes nothing.

    Args:
        server: the MLflow server.
        ledger: the ledger of the registered model.
        head: its newest entry.
    """
    champion = ledger.champion(head)
    versions = find_versions(server, ledger.model, head, champion)
    return SyncedAliases(champion, versions, _moved(server, ledger.model, head, champion, versions))


def wanted_aliases(head: LedgerEntry | None, champion: LedgerEntry | None) -> dict[str, str]:
    """Alias → content digest, as the ledger says. A rollback leaves the challenger alone."""
    wanted = {CHAMPION: champion.digest} if champion else {}
    if head and head.decision is not Outcome.ROLLED_BACK:
        wanted[CHALLENGER] = head.digest
    return wanted


def find_versions(server: MlflowServer, name: str, head: LedgerEntry | None, champion: LedgerEntry | None) -> dict[str, Version | None]:
    """Content digest → version, for each model that should have an alias; None where MLflow has no version of it."""
    return {digest: find_version(server, name, digest) for digest in sorted(set(wanted_aliases(head, champion).values()))}


def _moved(
    server: MlflowServer, name: str, head: LedgerEntry | None, champion: LedgerEntry | None, versions: dict[str, Version | None]
) -> tuple[MovedAlias, ...]:
    """The aliases that differ from the ledger. One whose version MLflow lost cannot be set, and is not among them."""
    current = read_aliases(server, name)
    moved = []
    for alias, digest in wanted_aliases(head, champion).items():
        version = versions[digest]
        if version and current.get(alias) != version.number:
            moved.append(MovedAlias(name, alias, current.get(alias), version.number))
    if champion is None and CHAMPION in current:
        moved.append(MovedAlias(name, CHAMPION, current[CHAMPION], None))
    return tuple(moved)


def _set(server: MlflowServer, moved: MovedAlias) -> None:
    """Make an alias what the ledger says."""
    if moved.wanted is None:
        log.warning("alias %s of %s removed: the ledger has no champion", moved.alias, moved.model)
        remove_alias(server, moved.model, moved.alias)
        return
    log.info("alias %s of %s: version %s -> %d", moved.alias, moved.model, moved.found or "none", moved.wanted)
    set_alias(server, moved.model, moved.alias, moved.wanted)
