"""MLflow's aliases follow the ledger, and are repaired wherever they disagree with it.

``champion`` is the model that the ledger says is in service, ``challenger`` the one that was decided about last. Both are found
by content digest, not by version number: after MLflow was wiped, the same model has another number.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.versions import find_version, read_aliases, remove_alias, set_alias

if TYPE_CHECKING:
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.registry.versions import Version
    from pipeline.tracking.server import MlflowServer

CHAMPION = "champion"
CHALLENGER = "challenger"

log = logging.getLogger(__name__)


def wanted_aliases(head: LedgerEntry | None, champion: LedgerEntry | None) -> dict[str, str]:
    """Alias → content digest, as the ledger says. A rollback leaves the challenger alone."""
    wanted = {CHAMPION: champion.digest} if champion else {}
    if head and head.decision is not Outcome.ROLLED_BACK:
        wanted[CHALLENGER] = head.digest
    return wanted


def sync_aliases(server: MlflowServer, name: str, head: LedgerEntry | None, champion: LedgerEntry | None) -> dict[str, Version | None]:
    """Set MLflow's aliases to what the ledger says.

    Args:
        server: the MLflow server.
        name: the registered model.
        head: the newest entry of its ledger.
        champion: the entry that made the current champion.

    Returns:
        Content digest → version, for each model that should have an alias. None where MLflow has no version of it: the alias
        can only be set after the model is registered again.
    """
    current = read_aliases(server, name)
    wanted = wanted_aliases(head, champion)
    found = {digest: find_version(server, name, digest) for digest in sorted(set(wanted.values()))}
    for alias, digest in wanted.items():
        version = found[digest]
        if version and current.get(alias) != version.number:
            log.info("alias %s of %s: version %s -> %d", alias, name, current.get(alias, "none"), version.number)
            set_alias(server, name, alias, version.number)
    if champion is None and CHAMPION in current:
        log.warning("alias champion of %s removed: the ledger has no champion", name)
        remove_alias(server, name, CHAMPION)
    return found
