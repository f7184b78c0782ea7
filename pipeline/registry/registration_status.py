"""Whether a registration needs to run again: the second half of a cache hit, checked while a run is planned.

Registration changes MLflow and the ledger, so its manifest alone does not prove a hit: MLflow may have been wiped, and another
model may have become champion since. The check is light on purpose (a few requests, no MLflow client): planning a run in which
nothing changed must take less than a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.aliases import read_synced, sync_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.promotion import basis_of
from pipeline.registry.versions import find_version

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Reference
    from pipeline.registry.aliases import MovedAlias
    from pipeline.tracking.server import MlflowServer


class RegistrationStatus(NamedTuple):
    """What the check found."""

    current: bool
    """Whether registration has nothing to do."""

    reason: str
    """Why it has to run, in one line; empty when it has nothing to do."""

    warnings: tuple[str, ...] = ()
    """One sentence for each alias in MLflow that differed from the ledger."""


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
    """Of the champion's reports, see `pipeline.registry.promotion.reports_digest`; None for no champion."""


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
    aliases = sync_aliases(server, ledger, head) if repair else read_synced(server, ledger, head)
    warnings = alias_warnings(aliases.moved, repaired=repair)
    found = aliases.versions
    if (found[wanted.model.digest] if wanted.model.digest in found else find_version(server, wanted.name, wanted.model.digest)) is None:
        return RegistrationStatus(False, f"MLflow has no version of {wanted.name} with this model", warnings)
    if aliases.lost_champion:
        return RegistrationStatus(False, f"MLflow has no version of {wanted.name} with the champion of the ledger", warnings)
    return RegistrationStatus(True, "", warnings)


def alias_warnings(moved: tuple[MovedAlias, ...], *, repaired: bool) -> tuple[str, ...]:
    """One sentence for each alias that differs from the ledger."""
    end = "it was put back" if repaired else "the next run puts it back"
    return tuple(f"{each}; {end}" for each in moved)
