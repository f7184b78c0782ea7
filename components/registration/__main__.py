"""The body of registration: version, decision, alias, in that order, each found before it is made."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from components.registration.contract import RegistrationParams, contract
from pipeline.errors import BadInput
from pipeline.registry.aliases import CHALLENGER, settle_aliases
from pipeline.registry.entry import Contender, Entry
from pipeline.registry.ledger import Ledger
from pipeline.registry.promotion import promote
from pipeline.registry.registering import ensure_version, version_tags
from pipeline.registry.scores import read_scores
from pipeline.registry.versions import Version, describe_version, set_alias, tag_version
from pipeline.runtime import Work, main
from pipeline.serving.package import package_model, serving_name
from pipeline.tracking.runs import NOTE_TAG, parent_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.registry.scores import Scores


def register(work: Work[RegistrationParams]) -> None:
    """Register the model as challenger, decide, write the decision down, set the aliases."""
    name, gate = work.params.registration.model, work.params.registration.gate
    server, ledger = work.tracking.server, Ledger(work.artifacts.store, name)
    model, report = work.inputs["model"], work.inputs["report"]
    version = _version(work, model.manifest, report.manifest, model.folder)
    champion = ledger.champion()
    if champion is None or champion.digest != model.reference.digest:
        set_alias(server, name, CHALLENGER, version.number)
    challenger = Contender(version=version.number, model=model.reference, report=report.reference)
    entry = promote(ledger, gate, challenger, read_scores(report.folder), _rival(work), work.request.run)
    head = ledger.head()
    champion = ledger.champion(head)
    found = settle_aliases(server, name, head, champion)
    if champion and found[champion.digest] is None:
        _version_of_champion(work, champion)
        settle_aliases(server, name, head, champion)
    _tell(work, version, entry)


def _rival(work: Work[RegistrationParams]) -> tuple[Reference, Reference, Scores] | None:
    """Model, report and scores of the champion this run was planned against."""
    opened = work.inputs.get("champion_report")
    return (opened.manifest.inputs["model"], opened.reference, read_scores(opened.folder)) if opened else None


def _version(work: Work[RegistrationParams], model: Manifest, report: Manifest | None, folder: Path) -> Version:
    """The version in MLflow that holds this model."""
    tags = version_tags(model, report)
    with TemporaryDirectory() as scratch:
        sources = Path(scratch, "sources")
        sources.mkdir()
        return ensure_version(
            work.tracking.server,
            work.tracking,
            work.params.registration.model,
            model.reference,
            serving_name(),
            tags,
            lambda: package_model(folder, Path(scratch, "package"), sources, tags, model.parts.libraries),
        )


def _version_of_champion(work: Work[RegistrationParams], champion: Entry) -> None:
    """Register the champion again: MLflow lost it, the ledger and the artifacts did not."""
    reference = champion.challenger.model
    manifest = work.artifacts.find(reference.stage, reference.fingerprint)
    if manifest is None or manifest.digest != reference.digest:
        raise BadInput(
            f"the champion of {work.params.registration.model} is not in the store", "its artifact", "roll back to another version"
        )
    with TemporaryDirectory() as scratch:
        _version(work, manifest, None, work.artifacts.open(manifest, Path(scratch)))


def _tell(work: Work[RegistrationParams], version: Version, entry: Entry) -> None:
    """Write the two files, tell MLflow's pages of the version, the step and the run, keep the figures."""
    name, server = work.params.registration.model, work.tracking.server
    decision = {"trainshed.decision": entry.decision.value, "trainshed.reasons": " | ".join(entry.reasons)}
    word, reasons = entry.decision.value.replace("_", " "), "; ".join(entry.reasons)
    work.metrics.update({f"gate/{key}": value for key, value in entry.figures.items()})
    tag_version(server, name, version.number, decision)
    # the decision first: MLflow's table of versions shows the beginning only
    describe_version(server, name, version.number, f"{word.capitalize()}: {reasons}.")
    run = parent_run(work.settings, work.request.recipe, work.request.run)
    run.log_figures(work.metrics)
    for place in (run, work.tracking):
        place.tag({**decision, NOTE_TAG: f"Version {version.number} of {name} was {word}: {reasons}."})
    work.counts["version"] = version.number
    _write(work.output / "version.json", {"name": name, **asdict(version), "tags": dict(version.tags)})
    _write(work.output / "decision.json", entry.model_dump(mode="json"))


def _write(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(contract, register)
