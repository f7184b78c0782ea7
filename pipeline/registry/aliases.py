"""MLflow's aliases follow the ledger, and are repaired wherever they disagree with it.

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


class SyncedAliases(NamedTuple):
    """The state that MLflow's aliases were set to."""

    champion: LedgerEntry | None
    """The ledger entry of the champion."""

    versions: dict[str, Version | None]
    """Content digest → version, for each model that should have an alias. None where MLflow has no version of it: the alias can
    only be set after the model is registered again."""

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
    while True:
        champion = ledger.champion(head)
        versions = find_versions(server, ledger.model, head, champion)
        changed = _set_aliases(server, ledger.model, head, champion, versions)
        newest = ledger.head() if changed else head
        if newest == head:
            return SyncedAliases(champion, versions)
        head = newest


def wanted_aliases(head: LedgerEntry | None, champion: LedgerEntry | None) -> dict[str, str]:
    """Alias → content digest, as the ledger says. A rollback leaves the challenger alone."""
    wanted = {CHAMPION: champion.digest} if champion else {}
    if head and head.decision is not Outcome.ROLLED_BACK:
        wanted[CHALLENGER] = head.digest
    return wanted


def find_versions(server: MlflowServer, name: str, head: LedgerEntry | None, champion: LedgerEntry | None) -> dict[str, Version | None]:
    """Content digest → version, for each model that should have an alias; None where MLflow has no version of it."""
    return {digest: find_version(server, name, digest) for digest in sorted(set(wanted_aliases(head, champion).values()))}


def _set_aliases(
    server: MlflowServer, name: str, head: LedgerEntry | None, champion: LedgerEntry | None, versions: dict[str, Version | None]
) -> bool:
    """Set the aliases that differ from the ledger; return whether one did."""
    current = read_aliases(server, name)
    changed = False
    for alias, digest in wanted_aliases(head, champion).items():
        version = versions[digest]
        if version and current.get(alias) != version.number:
            log.info("alias %s of %s: version %s -> %d", alias, name, current.get(alias, "none"), version.number)
            set_alias(server, name, alias, version.number)
            changed = True
    if champion is None and CHAMPION in current:
        log.warning("alias champion of %s removed: the ledger has no champion", name)
        remove_alias(server, name, CHAMPION)
        changed = True
    return changed
