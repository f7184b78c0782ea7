"""Whether a registration needs to run again: the second half of a cache hit, checked while a run is planned.

Registration changes MLflow and the ledger, so its manifest alone does not prove a hit: MLflow may have been wiped, and another
model may have become champion since. The check is light on purpose (a few requests, no MLflow client): planning a run in which
nothing changed must take less than a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.aliases import sync_aliases
from pipeline.registry.ledger import Ledger
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


def check_registration(server: MlflowServer, store: Store, name: str, model: Reference) -> RegistrationStatus:
    """Check that the model is registered and decided about; repair MLflow's aliases if they are wrong.

    Args:
        server: the MLflow server.
        store: holds the ledger.
        name: the registered model.
        model: the model artifact.

    Raises:
        Unavailable: the store or MLflow does not answer.
    """
    ledger = Ledger(store, name)
    head = ledger.head()
    champion = ledger.champion(head)
    is_champion = champion is not None and champion.digest == model.digest
    if not is_champion and not ledger.find_refusal(model.digest, head, champion):
        against = f"the champion of entry {champion.number}" if champion else "no champion"
        return RegistrationStatus(False, f"no decision about this model against {against} in the ledger of {name}")
    found = sync_aliases(server, name, head, champion)
    if (found[model.digest] if model.digest in found else find_version(server, name, model.digest)) is None:
        return RegistrationStatus(False, f"MLflow has no version of {name} with this model")
    if champion and found[champion.digest] is None:
        return RegistrationStatus(False, f"MLflow has no version of {name} with the champion of the ledger")
    return RegistrationStatus(True, "")
