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


def settle_aliases(server: MlflowServer, name: str, head: Entry | None, champion: Entry | None) -> set[str]:
    """Make MLflow's aliases agree with the ledger.

    Args:
        server: the MLflow server.
        name: the registered model.
        head: the newest entry of its ledger.
        champion: the entry that put the champion in service.

    Returns:
        Digests that have no version in MLflow, so that no alias can point at them: they want registering anew.
    """
    current = read_aliases(server, name)
    missing: set[str] = set()
    for alias, digest in projection(head, champion).items():
        version = find_version(server, name, digest)
        if version is None:
            missing.add(digest)
        elif current.get(alias) != version.number:
            log.info("alias %s of %s: version %s -> %d", alias, name, current.get(alias, "none"), version.number)
            set_alias(server, name, alias, version.number)
    if champion is None and CHAMPION in current:
        log.warning("alias champion of %s taken away: the ledger has no champion", name)
        remove_alias(server, name, CHAMPION)
    return missing
