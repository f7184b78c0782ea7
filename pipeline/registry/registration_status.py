"""Whether a registration still stands: the second half of a hit, looked at while a run is planned.

Registration acts on the world, so that its manifest exists is not enough: MLflow may have been wiped, and another model may
have become champion since. Light on purpose (a few requests, no MLflow client): planning a run in which nothing has changed
must stay under a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.aliases import settle_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import find_version

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Reference
    from pipeline.tracking.server import MlflowServer


class Standing(NamedTuple):
    """What was found."""

    settled: bool
    """Whether there is nothing to do."""

    reason: str
    """Why there is something to do, in one line; empty when there is not."""


def settled(server: MlflowServer, store: Store, name: str, model: Reference) -> Standing:
    """Look whether the model is registered and decided upon, and repair MLflow's aliases on the way.

    Args:
        server: the MLflow server.
        store: where the ledger lies.
        name: the registered model.
        model: the model artifact.

    Raises:
        Unavailable: the store or MLflow does not answer.
    """
    ledger = Ledger(store, name)
    head = ledger.head()
    champion = ledger.champion(head)
    serves = champion is not None and champion.digest == model.digest
    if not serves and not ledger.refusal(model.digest, head, champion):
        against = f"the champion of entry {champion.number}" if champion else "no champion"
        return Standing(False, f"no decision about this model against {against} in the ledger of {name}")
    found = settle_aliases(server, name, head, champion)
    if (found[model.digest] if model.digest in found else find_version(server, name, model.digest)) is None:
        return Standing(False, f"MLflow has no version of {name} with this model")
    if champion and found[champion.digest] is None:
        return Standing(False, f"MLflow has no version of {name} with the champion of the ledger")
    return Standing(True, "")
