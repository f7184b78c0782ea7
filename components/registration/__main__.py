"""The body of registration: version, decision, alias, in that order; each is found first, and created only if missing."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from components.registration.contract import RegistrationParams, contract
from pipeline.erasure.holders import Holders
from pipeline.errors import BadInput
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.finite_weights import check_finite_weights
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry
from pipeline.registry.promotion import Proposal, ScoredChampion, decide_promotion
from pipeline.registry.publish import DECISION_TAGS, publish_decision, write_decision, write_json
from pipeline.registry.register_version import register_version, version_tags
from pipeline.registry.scores import read_scores
from pipeline.runtime import Work, main
from pipeline.serving.package import package_model, serving_name
from pipeline.tracking.runs import parent_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.artifacts.manifest import Manifest
    from pipeline.registry.scores import Scores
    from pipeline.registry.versions import Version
    from pipeline.runtime.work import Opened


def register(work: Work[RegistrationParams]) -> None:
    """Register the model as challenger, decide, append the decision to the ledger, set the aliases."""
    ledger = Ledger(work.artifacts.store, work.params.registration.model)
    model, report = work.inputs["model"], work.inputs["report"]
    _check_report(model.manifest, report.manifest)
    check_finite_weights(model.folder)
    reports = work.several("report")
    scores, champion = _read_seeds(reports), _planned_champion(work)
    version = _register(work, model.manifest, report.manifest, model.folder)
    siblings = tuple(each.manifest.inputs["model"] for each in reports[1:])
    challenger = Candidate(version=version.number, model=model.reference, report=report.reference, siblings=siblings)
    params, request = work.params.registration, work.request
    holders = Holders(work.artifacts)
    forgotten, held = holders.why_not(challenger.models), bool(champion and holders.entries_of(champion.model))
    proposal = Proposal(
        params.gate, challenger, scores, champion, request.fingerprint, request.run, params.approval, request.started_by, held, forgotten
    )
    entry = decide_promotion(ledger, proposal)
    while lost := sync_aliases(work.tracking.server, ledger).lost_champion:
        _register_champion_again(work, lost)
    _publish(work, version, entry)


def _check_report(model: Manifest, report: Manifest) -> None:
    """Check that the report is about the model: the scores of another one must not promote it.

    Raises:
        BadInput: it is not.
    """
    scored = report.inputs["model"]
    if scored.digest != model.digest:
        raise BadInput(f"the report is about model {scored.digest[:12]}", f"one about {model.digest[:12]}", "start a new run")


def _planned_champion(work: Work[RegistrationParams]) -> ScoredChampion | None:
    """The champion this run was planned against, and its scores."""
    reports = work.several("champion_report")
    if not reports:
        return None
    return ScoredChampion(reports[0].manifest.inputs["model"], tuple(each.reference for each in reports), _read_seeds(reports))


def _read_seeds(reports: Sequence[Opened]) -> Scores:
    """The scores of the first report, with those of the further training seeds."""
    first, *others = [read_scores(report.folder) for report in reports]
    return replace(first, siblings=tuple(others))


def _register(work: Work[RegistrationParams], model: Manifest, report: Manifest | None, folder: Path) -> Version:
    """Find or create the version in MLflow that holds this model."""
    tags = version_tags(model, report)
    with TemporaryDirectory() as scratch:
        sources = Path(scratch, "sources")
        sources.mkdir()
        return register_version(
            work.tracking.server,
            work.tracking,
            work.params.registration.model,
            model.reference,
            serving_name(),
            tags,
            lambda: package_model(folder, Path(scratch, "package"), sources, tags, model.parts.libraries),
        )


def _register_champion_again(work: Work[RegistrationParams], champion: LedgerEntry) -> None:
    """Register the champion again: MLflow lost it; the ledger and the store still have it."""
    reference = champion.challenger.model
    manifest = work.artifacts.resolve(reference)
    if manifest is None:
        raise BadInput(
            f"the champion of {work.params.registration.model} is not in the store",
            "",
            f"trainshed models rollback {work.params.registration.model}",
        )
    with TemporaryDirectory() as scratch:
        _register(work, manifest, None, work.artifacts.open(manifest, Path(scratch)))


def _publish(work: Work[RegistrationParams], version: Version, entry: LedgerEntry) -> None:
    """Write the files, and put decision and figures on MLflow's pages of the version, the step and the run."""
    name, server = work.params.registration.model, work.tracking.server
    work.metrics.update({f"gate/{key}": value for key, value in entry.figures.items()})
    run = parent_run(work.settings, work.request.recipe, work.request.run)
    run.log_figures(work.metrics)
    publish_decision(server, (run, work.tracking), name, version.number, entry)
    work.counts["version"] = version.number
    # a second attempt finds the tags that the first one set, and has to make the same bytes
    given = {key: value for key, value in version.tags.items() if key not in DECISION_TAGS}
    write_json(work.output / "version.json", {"name": name, **asdict(version), "tags": given})
    write_decision(work.output, name, entry)


if __name__ == "__main__":
    main(contract, register)
