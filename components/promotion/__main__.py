"""The body of promotion: the ledger first, then MLflow's aliases and tags; each attempt finds what an earlier one did.

The runtime has fetched the model and compared every byte with its digest, so a damaged model is never promoted.
"""

from __future__ import annotations

from components.promotion.contract import PromotionParams, contract
from pipeline.erasure.holders import Holders
from pipeline.errors import BadInput
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.end_proposal import end_proposal
from pipeline.registry.ledger import Ledger
from pipeline.registry.publish import publish_decision, write_decision
from pipeline.registry.versions import find_version
from pipeline.runtime import Work, main


def promote(work: Work[PromotionParams]) -> None:
    """End the proposal of the model: promoted, rejected, expired or refused."""
    name, server = work.params.registration.model, work.tracking.server
    ledger, model = Ledger(work.artifacts.store, name), work.inputs["model"].reference
    number = work.request.proposal
    assert number is not None  # noqa: S101 - only a waiting proposal gives this step its input
    proposal = ledger.entry(number)
    if proposal.digest != model.digest:
        raise BadInput(f"proposal {number} of {name} is about another model", model.digest[:12], "start a new run")
    forgotten = Holders(work.artifacts).why_not(proposal.challenger.models)
    entry = end_proposal(ledger, number, work.request.run, forgotten=forgotten)
    sync_aliases(server, ledger)
    version = find_version(server, name, model.digest)
    if version:
        publish_decision(server, (work.tracking,), name, version.number, entry)
    work.counts["ledger_entry"] = entry.number
    write_decision(work.output, name, entry)


if __name__ == "__main__":
    main(contract, promote)
