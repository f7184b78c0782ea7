"""MLflow's aliases as a projection of the ledger, repaired wherever they are seen to disagree.

``champion`` is the model in service by the ledger, ``challenger`` the one decided upon last. Both are looked up by content
digest, not by version number: after MLflow was wiped the same model has another number.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.registry.entry import Outcome
from pipeline.registry.versions import find_version, read_aliases, remove_alias, set_alias

if TYPE_CHECKING:
    from pipeline.registry.entry import Entry
    from pipeline.registry.versions import Version
    from pipeline.tracking.server import MlflowServer

CHAMPION = "champion"
CHALLENGER = "challenger"

log = logging.getLogger(__name__)


def projection(head: Entry | None, champion: Entry | None) -> dict[str, str]:
    """Alias → content digest, as the ledger wants it. A rollback says nothing about the challenger."""
    wanted = {CHAMPION: champion.digest} if champion else {}
    if head and head.decision is not Outcome.ROLLED_BACK:
        wanted[CHALLENGER] = head.digest
    return wanted


def settle_aliases(server: MlflowServer, name: str, head: Entry | None, champion: Entry | None) -> dict[str, Version | None]:
    """Make MLflow's aliases agree with the ledger.

    Args:
        server: the MLflow server.
        name: the registered model.
        head: the newest entry of its ledger.
        champion: the entry that put the champion in service.

    Returns:
        Content digest → version, of each model an alias is wanted for. None where MLflow has no version of it: no alias
        can point there before it is registered anew.
    """
    current = read_aliases(server, name)
    wanted = projection(head, champion)
    found = {digest: find_version(server, name, digest) for digest in sorted(set(wanted.values()))}
    for alias, digest in wanted.items():
        version = found[digest]
        if version and current.get(alias) != version.number:
            log.info("alias %s of %s: version %s -> %d", alias, name, current.get(alias, "none"), version.number)
            set_alias(server, name, alias, version.number)
    if champion is None and CHAMPION in current:
        log.warning("alias champion of %s taken away: the ledger has no champion", name)
        remove_alias(server, name, CHAMPION)
    return found
