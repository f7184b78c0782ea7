"""Whether a registration needs to run again: the second half of a cache hit, checked while a run is planned.

Registration changes MLflow and the ledger, so its manifest alone does not prove a hit: MLflow may have been wiped, and another
model may have become champion since. The check is light on purpose (a few requests, no MLflow client): planning a run in which
nothing changed must take less than a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.aliases import SyncedAliases, find_versions, sync_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.promotion import basis_of
from pipeline.registry.versions import find_version

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Reference
    from pipeline.tracking.server import MlflowServer


class RegistrationStatus(NamedTuple):
    """What the check found."""

    current: bool
    """Whether registration has nothing to do."""

    reason: str
    """Why it has to run, in one line; empty when it has nothing to do."""


@dataclass(frozen=True)
class Registered:
    """The registration to check."""

    name: str
    """The registered model."""

    model: Reference
    """The model artifact."""

    fingerprint: str
    """Fingerprint of the registration."""

    champion_report: str | None
    """Content digest of the champion's report; None for no champion."""


def check_registration(server: MlflowServer, store: Store, wanted: Registered, *, repair: bool) -> RegistrationStatus:
    """Check that the model is registered and decided about.

    Args:
        server: the MLflow server.
        store: holds the ledger.
        wanted: the registration to check.
        repair: set MLflow's aliases if they differ from the ledger; False changes nothing.

    Raises:
        Unavailable: the store or MLflow does not answer.
    """
    ledger = Ledger(store, wanted.name)
    head = ledger.head()
    champion = ledger.champion(head)
    is_champion = champion is not None and champion.digest == wanted.model.digest
    if not is_champion and not ledger.find_decision(basis_of(wanted.fingerprint, wanted.champion_report, champion), head, champion):
        against = f"the champion of entry {champion.number}" if champion else "no champion"
        return RegistrationStatus(False, f"no decision about this model against {against} in the ledger of {wanted.name}")
    aliases = sync_aliases(server, ledger, head) if repair else SyncedAliases(champion, find_versions(server, wanted.name, head, champion))
    found = aliases.versions
    if (found[wanted.model.digest] if wanted.model.digest in found else find_version(server, wanted.name, wanted.model.digest)) is None:
        return RegistrationStatus(False, f"MLflow has no version of {wanted.name} with this model")
    if aliases.lost_champion:
        return RegistrationStatus(False, f"MLflow has no version of {wanted.name} with the champion of the ledger")
    return RegistrationStatus(True, "")
