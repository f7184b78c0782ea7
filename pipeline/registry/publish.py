"""Show a decision: tags and description in MLflow, and the files of the step's artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.registry.decision_page import render_decision
from pipeline.registry.versions import describe_version, tag_version
from pipeline.tracking.runs import NOTE_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.tracking import MlflowRun, MlflowServer

DECISION_TAG, REASONS_TAG, APPROVERS_TAG = "trainshed.decision", "trainshed.reasons", "trainshed.approved_by"
DECISION_TAGS = frozenset({DECISION_TAG, REASONS_TAG, APPROVERS_TAG})


def publish_decision(server: MlflowServer, runs: Iterable[MlflowRun], name: str, version: int, entry: LedgerEntry) -> None:
    """Put a decision on MLflow's pages of the version and of runs.

    Args:
        server: the MLflow server.
        runs: MLflow runs to show it on.
        name: the registered model.
        version: number of the version that was decided about.
        entry: the decision.
    """
    verb, reasons = entry.decision.value.replace("_", " "), "; ".join(entry.reasons)
    tags = decision_tags(entry)
    tag_version(server, name, version, tags)
    # the decision first: MLflow's table of versions cuts long descriptions
    describe_version(server, name, version, f"{verb.capitalize()}: {reasons}.")
    for run in runs:
        run.tag({**tags, NOTE_TAG: f"Version {version} of {name} was {verb}: {reasons}."})


def decision_tags(entry: LedgerEntry) -> dict[str, str]:
    """The tags of a decision."""
    tags = {DECISION_TAG: entry.decision.value, REASONS_TAG: " | ".join(entry.reasons)}
    return {**tags, APPROVERS_TAG: ", ".join(entry.approved_by)} if entry.approved_by else tags


def write_decision(output: Path, name: str, entry: LedgerEntry) -> None:
    """Write ``decision.json`` and ``decision.html``."""
    write_json(output / "decision.json", entry.model_dump(mode="json"))
    (output / "decision.html").write_text(render_decision(name, entry), encoding="utf-8")


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a file whose bytes depend on the value only."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
