"""Check a model from end to end: the seals and the order of its ledger, MLflow's aliases and versions, and the bytes of its champion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.artifacts.base import NotFound
from pipeline.errors import BadInput, Damaged
from pipeline.registry.aliases import CHAMPION, read_synced, sync_aliases
from pipeline.registry.answers import read_answers
from pipeline.registry.ledger import READERS
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.rollback import check_whole
from pipeline.registry.versions import DIGEST_TAG, read_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.registry.aliases import MovedAlias
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.tracking.server import MlflowServer


def verify_model(server: MlflowServer, artifacts: Artifacts, ledger: Ledger, *, repair: bool) -> Iterator[str]:
    """Everything that is wrong with a model, one sentence each.

    Args:
        server: the MLflow server.
        artifacts: holds the models.
        ledger: of the registered model.
        repair: put MLflow's aliases back; what is still wrong afterwards is reported all the same.

    Raises:
        Unavailable: the store or MLflow is unreachable.
    """
    entries, problems = _read_entries(ledger)
    yield from problems
    if problems:
        return  # what follows would rest on an incomplete ledger
    for before, entry in zip([None, *entries], entries, strict=False):
        yield from _out_of_order(before, entry)
    yield from _approvals(ledger, entries)
    yield from _aliases(server, ledger, entries, repair=repair)
    champion = ledger.champion(entries[-1])
    if champion:
        try:
            check_whole(artifacts, ledger.model, champion.challenger)
        except BadInput as error:
            yield error.got.partition(";")[0]


def _read_entries(ledger: Ledger) -> tuple[list[LedgerEntry], list[str]]:
    """Every entry from number 1, oldest first, and those that cannot be read."""
    stats = ledger.store.list(ledger.key(0).rpartition("/")[0] + "/")
    last = max((int(stat.key.rpartition("/")[2].removesuffix(".json")) for stat in stats), default=0)
    if not last:
        ledger.newest()  # raises: there is no such ledger

    def read(number: int) -> LedgerEntry | str:
        try:
            return ledger.entry(number)
        except NotFound:
            return f"entry {number} of the ledger of {ledger.model} is missing: {ledger.key(number)}"
        except (BadInput, Damaged) as error:
            return error.got

    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(read, range(1, last + 1)))
    return [each for each in found if not isinstance(each, str)], [each for each in found if isinstance(each, str)]


def _out_of_order(before: LedgerEntry | None, entry: LedgerEntry) -> Iterator[str]:
    """What of an entry does not follow from the one before it."""
    champion = before.champion_number if before else None
    if entry.against != champion:
        yield f"entry {entry.number} was decided against entry {entry.against}, but the champion then was that of entry {champion}"
    if entry.decision is Outcome.UNKNOWN:
        yield f"entry {entry.number} has an outcome that this version does not know; install the version that wrote it"
    if entry.waiting not in {None, before.waiting if before else None, entry.number}:
        yield f"entry {entry.number} says that proposal {entry.waiting} waits, which did not wait before it"


def _approvals(ledger: Ledger, entries: list[LedgerEntry]) -> Iterator[str]:
    """Promotions of proposals without the answers that they rest on."""
    by_number = {entry.number: entry for entry in entries}
    for entry in entries:
        proposal = by_number.get(entry.about or 0)
        if entry.decision is not Outcome.PROMOTED or proposal is None or proposal.approval is None:
            continue
        approved = {answer.person for answer in read_answers(ledger, proposal) if answer.approve}
        if len(approved) < proposal.approval.people:
            yield f"entry {entry.number} promoted proposal {proposal.number} with {len(approved)} of {proposal.approval.people} approvals"


def _aliases(server: MlflowServer, ledger: Ledger, entries: list[LedgerEntry], *, repair: bool) -> Iterator[str]:
    """Aliases that differ from the ledger, and models that MLflow has no version of."""
    head = entries[-1]
    synced = sync_aliases(server, ledger, head) if repair else read_synced(server, ledger, head)
    for moved in synced.moved:
        yield f"{moved}; {'it was put back' if repair else _choices(server, ledger, entries, moved)}"
    for digest, version in synced.versions.items():
        if version is None:
            yield f"MLflow has no version of {ledger.model} with the model {digest[:12]}; the next run registers it again"


def _choices(server: MlflowServer, ledger: Ledger, entries: list[LedgerEntry], moved: MovedAlias) -> str:
    """What a person can do about an alias that somebody moved."""
    back = f"`trainshed models verify {ledger.model} --repair` puts it back"
    if moved.alias != CHAMPION or moved.found is None:
        return back
    version = read_version(server, ledger.model, moved.found)
    digest = version.tags.get(DIGEST_TAG) if version else None
    if any(entry.decision is Outcome.PROMOTED and entry.digest == digest for entry in entries):
        return f"{back}, `trainshed models rollback {ledger.model} --to {moved.found}` makes version {moved.found} champion"
    return f"{back}; version {moved.found} never was champion, so it cannot be adopted"
