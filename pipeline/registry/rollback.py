"""Roll back to an earlier champion, or forward to a later one: verify its bytes, append one ledger entry, then move the alias.

A person who reads an error types the command again. That must not go back by another version, also if the first answer was lost or
the command was killed. So a champion that a rollback restored is never rolled back by default: going further needs a version. With
a version, the command may be repeated. After the append nothing is an error: the next plan repairs MLflow's alias.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.artifacts.base import Conflict, NotFound
from pipeline.erasure.holders import Holders
from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.versions import DIGEST_TAG, find_version, read_version

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.tracking.server import MlflowServer

SYNC_ATTEMPTS = 3

log = logging.getLogger(__name__)


class Rollback(NamedTuple):
    """The outcome of a rollback."""

    entry: LedgerEntry
    """The entry that made the wanted model the champion."""

    replaced: LedgerEntry | None
    """The entry of the champion that was replaced; None if the wanted model was champion already, and no entry was appended."""


def roll_back(server: MlflowServer, artifacts: Artifacts, name: str, run: str, to_version: int | None = None, reason: str = "") -> Rollback:
    """Make a model that was champion the champion again.

    Args:
        server: the MLflow server.
        artifacts: holds the ledger and the model.
        name: the registered model.
        run: recorded as the run that decided, e.g. who asked for it.
        to_version: the MLflow version to go to; by default the champion before the current one.
        reason: why, for the ledger.

    Raises:
        BadInput: no such model or version, no earlier champion, the version never was champion, its bytes are damaged, it was made from documents
            that are to be forgotten, or no version is given after a rollback.
        Unavailable: the champion changed at the same moment, or it is unknown whether the entry was appended.
    """
    ledger = Ledger(artifacts.store, name)
    head = ledger.newest()
    champion = ledger.champion(head)
    if champion is None:
        raise BadInput(f"{name} has no champion", "a model that was promoted", "run its recipe first")
    if to_version is None and champion.decision is Outcome.ROLLED_BACK:
        _try_sync(server, ledger)
        raise _rolled_back_already(server, ledger, champion)
    target = _find_target(server, ledger, head, champion, to_version)
    if target is champion:
        _try_sync(server, ledger)
        return Rollback(champion, None)
    forgotten = Holders(artifacts).why_not(target.challenger.models)
    if forgotten:
        raise BadInput(
            f"{name} version {target.challenger.version} is not promoted again: {forgotten}; the champion stays",
            "a version that was made without them",
            "choose another version with --to",
        )
    check_whole(artifacts, name, target.challenger)
    why = reason or f"rolled back from version {champion.challenger.version}"
    entry = _append(server, ledger, head, champion, target, why, run)
    _try_sync(server, ledger)
    return Rollback(entry, champion)


def check_whole(artifacts: Artifacts, name: str, model: Candidate) -> None:
    """Read every byte of a model and compare digests; damaged blobs are quarantined.

    Args:
        artifacts: holds the model.
        name: its registered name, for messages.
        model: what to check.

    Raises:
        BadInput: a file is missing or damaged.
    """
    manifest = artifacts.resolve(model.model)
    harm = artifacts.verify_and_record(manifest) if manifest else []
    if manifest is None or harm:
        what = str(harm[0]) if harm else "its manifest is missing or damaged"
        more = f", and {len(harm) - 1} more files" if len(harm) > 1 else ""
        raise BadInput(
            f"the model of {name} version {model.version} is damaged: {what}{more}; the champion stays",
            "bytes with the digests of the manifest",
            "restore them from a backup, or choose another version with --to",
        )


def _try_sync(server: MlflowServer, ledger: Ledger) -> None:
    """Set MLflow's aliases; after some attempts, leave them to the next plan."""
    for _ in range(SYNC_ATTEMPTS):
        try:
            sync_aliases(server, ledger)
        except TrainshedError as error:
            failed = error
        else:
            return
    log.warning("the rollback is done, but MLflow's aliases are not set (%s); the next run or plan of the recipe sets them", failed)


def _rolled_back_already(server: MlflowServer, ledger: Ledger, champion: LedgerEntry) -> BadInput:
    """The error of a rollback without a version after a rollback: it is the same one again, or one more."""
    version, before = champion.challenger.version, _champion_before(ledger, champion)
    return BadInput(
        f"{ledger.model} was rolled back already, and nothing changed: version {version} is champion since "
        f"{champion.time:%Y-%m-%d %H:%M} UTC ({champion.run}, ledger entry {champion.number})",
        "",
        f"to go further back, run {_command(server, ledger, before)}" if before else f"none was champion before version {version}",
    )


def _champion_before(ledger: Ledger, champion: LedgerEntry) -> LedgerEntry | None:
    """The entry of the champion that was replaced when this champion's model was promoted last; None if it was the first."""
    promoted = (entry for entry in ledger.champions(champion) if entry.decision is Outcome.PROMOTED)
    against = next(entry for entry in promoted if entry.digest == champion.digest).against
    return None if against is None else ledger.entry(against)


def _command(server: MlflowServer, ledger: Ledger, target: LedgerEntry) -> str:
    """The command that makes this model the champion. MLflow knows its version: after MLflow was wiped, the ledger's is another's."""
    try:
        version = find_version(server, ledger.model, target.digest)
    except TrainshedError:
        version = None
    return f"`trainshed models rollback {ledger.model} --to {version.number if version else 'VERSION'}`"


def _append(
    server: MlflowServer, ledger: Ledger, head: LedgerEntry, champion: LedgerEntry, target: LedgerEntry, reason: str, run: str
) -> LedgerEntry:
    """Append the rollback; refusals that others append at the same moment change nothing about it.

    Raises:
        Unavailable: the champion changed at the same moment.
    """
    while True:
        entry = LedgerEntry(
            number=head.number + 1,
            decision=Outcome.ROLLED_BACK,
            challenger=target.challenger,
            against=champion.number,
            reasons=(reason,),
            time=datetime.now(UTC),
            run=run,
        )
        try:
            return ledger.append(entry)
        except Unavailable as error:
            if _was_appended(server, ledger, entry, error):
                return entry
            raise
        except Conflict as error:
            newest = ledger.head()
            if newest is None or newest.champion_number != champion.number:
                raise Unavailable(
                    f"the champion of {ledger.model} changed at the same moment", "", "run the command again if it is still needed"
                ) from error
            head = newest


def _was_appended(server: MlflowServer, ledger: Ledger, entry: LedgerEntry, error: Unavailable) -> bool:
    """Whether an append went through although its answer was lost.

    Raises:
        Unavailable: the store does not say.
    """
    try:
        return ledger.entry(entry.number) == entry
    except NotFound:
        return False
    except Unavailable:
        raise Unavailable(
            f"it is unknown whether {ledger.model} was rolled back to version {entry.challenger.version}: {error.got}",
            "",
            f"run {_command(server, ledger, entry)}: it changes nothing if that version is champion already",
        ) from error


def _find_target(server: MlflowServer, ledger: Ledger, head: LedgerEntry, champion: LedgerEntry, to_version: int | None) -> LedgerEntry:
    """The entry whose model becomes champion: a promotion, or ``champion`` itself if the version is champion already."""
    if to_version is None:
        before = _champion_before(ledger, champion)
        if before is None:
            raise BadInput(
                f"{ledger.model} had no champion before version {champion.challenger.version}", "an earlier one", "promote another first"
            )
        return before
    version = read_version(server, ledger.model, to_version)
    digest = version.tags.get(DIGEST_TAG) if version else None
    if digest == champion.digest:
        return champion
    promotions = []
    for entry in ledger.champions(champion):
        if entry.decision is Outcome.PROMOTED:
            if entry.digest == digest:
                return entry
            promotions.append(entry)
    # MLflow may have been wiped since: show today's version numbers, not those of the ledger
    others = dict.fromkeys(entry.digest for entry in promotions if entry.digest != champion.digest)
    earlier = [found.number for found in (find_version(server, ledger.model, other) for other in others) if found]
    expected = f"one of: {', '.join(map(str, sorted(earlier)))}" if earlier else "another champion, and there is none"
    what = f"version {to_version} of {ledger.model} never was champion"
    if version is None:
        raise BadInput(f"{ledger.model} has no version {to_version}", expected, "choose another version with --to")
    waiting = ledger.waiting(head)
    if waiting and waiting.digest == digest:
        raise BadInput(f"{what}: it waits for approvals", expected, f"run `trainshed models show {ledger.model}`")
    raise BadInput(f"{what}: it has not passed the gate", expected, "choose another version with --to")
