"""Score two registered versions on one test set; what was scored already is read from the store.

The test set is that of the later of the two decisions. A report counts if it was made by the same code and params on the same corpus; what
is missing is evaluated on this machine. Its report goes to the store, so the next comparison, and a later run, find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from components import COMPONENTS
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.fingerprint import fingerprint_parts, input_digests
from pipeline.artifacts.gc import wait_for_collection
from pipeline.errors import BadInput
from pipeline.file_cache import FileCache
from pipeline.local.run_step import run_step
from pipeline.planning import find_result
from pipeline.registry.ledger import Ledger
from pipeline.registry.scores import Scores, read_scores
from pipeline.runs.names import recipe_of_run
from pipeline.runs.records import request_key
from pipeline.runs.request import Request
from pipeline.tracking import end_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.component import Component, Params
    from pipeline.settings import Settings

STAGE = "evaluation"


@dataclass(frozen=True)
class ScoredVersions:
    """Scores of two versions on one test set."""

    corpus: Reference
    scores: tuple[Scores, ...]
    evaluated: tuple[Reference, ...]
    """The models that had to be scored now."""


def score_versions(settings: Settings, name: str, models: Sequence[Reference], run: str, on_line: Callable[[str], None]) -> ScoredVersions:
    """Find or make the reports of some versions of a registered model.

    Args:
        settings: where things are.
        name: the registered model.
        models: the model artifacts of its versions.
        run: id of this run.
        on_line: called with each log line of an evaluation.

    Raises:
        BadInput: no version was decided about, or a model or the corpus is not in the store.
        Unavailable: a dependency is unavailable, or an evaluation was killed.
    """
    return _Scorer(settings, name, run, on_line).score(models)


class _Scorer:
    """Finds reports, and makes those that are missing."""

    def __init__(self, settings: Settings, name: str, run: str, on_line: Callable[[str], None]) -> None:
        self.settings, self.name, self.run, self.on_line = settings, name, run, on_line
        self.artifacts = open_artifacts(settings)
        self.component: Component = COMPONENTS.load(STAGE)
        self.code = FileCache(settings.file_cache_path("code"))

    def score(self, models: Sequence[Reference]) -> ScoredVersions:
        known = self._decided_reports(models)
        if not known:
            raise BadInput(f"no version to compare was decided about in the ledger of {self.name}", "versions with a report")
        pattern = next(iter(known.values()))
        reports, evaluated = [known.get(model.digest) for model in models], []
        if not _comparable(reports):
            reports = [self._find(model, pattern) for model in models]
            evaluated = [model for model, report in zip(models, reports, strict=True) if report is None]
        made = {model.digest: self._evaluate(model, pattern) for model in evaluated}
        found = [report or made[model.digest] for model, report in zip(models, reports, strict=True)]
        return ScoredVersions(pattern.inputs["corpus"], tuple(map(self._read, found)), tuple(evaluated))

    def _decided_reports(self, models: Sequence[Reference]) -> dict[str, Manifest]:
        """Digest of the model → the newest report that a decision about it read, the latest decision first."""
        ledger = Ledger(self.artifacts.store, self.name)
        missing, found = {model.digest for model in models}, {}
        for entry in ledger.newest_first(ledger.newest()):
            report = entry.challenger.report
            if entry.digest not in missing or report is None:
                continue
            manifest = self.artifacts.resolve(report)
            if manifest and not self.artifacts.missing(manifest):
                found[entry.digest] = manifest
                missing.remove(entry.digest)
            if not missing:
                break
        return found

    def _find(self, model: Reference, pattern: Manifest) -> Manifest | None:
        """The report of a model by the present code, if it exists."""
        found = self.artifacts.find(STAGE, self._request(model, pattern).fingerprint)
        return found if found and not self.artifacts.missing(found) else None

    def _request(self, model: Reference, pattern: Manifest) -> Request:
        """The evaluation of a model on the corpus of another report, by the params of that report."""
        inputs = {"corpus": pattern.inputs["corpus"], "model": model}
        manifests = {name: self._manifest(reference) for name, reference in inputs.items()}
        params: Params = self.component.params.model_validate(pattern.parts.params)
        made_with = [manifest.parts.params for manifest in manifests.values()]
        parts = fingerprint_parts(self.component, params, input_digests(self.component, manifests), self.code, made_with)
        self.code.save()
        return Request(
            run=self.run,
            recipe=self._recipe(pattern),
            step=f"{STAGE}-{model.digest[:12]}",
            stage=STAGE,
            params=parts.params,
            inputs=inputs,
            fingerprint=parts.fingerprint,
        )

    def _recipe(self, pattern: Manifest) -> str:
        """Name of the recipe that made the report: the experiment in MLflow."""
        return recipe_of_run(pattern.provenance.run) or self.name

    def _manifest(self, reference: Reference) -> Manifest:
        manifest = self.artifacts.resolve(reference)
        if manifest is None:
            raise BadInput(f"{reference.stage} {reference.fingerprint[:12]} is not in the store", "", "restore the manifest from a backup")
        return manifest

    def _evaluate(self, model: Reference, pattern: Manifest) -> Manifest:
        """Score a model now."""
        request = self._request(model, pattern)
        store, key = self.artifacts.store, request_key(self.run, request.step)
        store.put(key, request.model_dump_json(indent=2).encode())
        wait_for_collection(store)
        status = "FAILED"
        try:
            run_step(request, f"{self.settings.store.rstrip('/')}/{key}", self.settings, self.on_line, lambda: False)
            status = "FINISHED"
        finally:
            end_run(self.settings, request.recipe, self.run, status)
        return self._manifest(find_result(request, self.settings))

    def _read(self, report: Manifest) -> Scores:
        with TemporaryDirectory() as folder:
            return read_scores(self.artifacts.open(report, Path(folder)))


def _comparable(reports: Sequence[Manifest | None]) -> bool:
    """Whether all reports exist and differ in nothing but the model, and the base of it."""
    first = reports[0]
    return all(
        report is not None
        and first is not None
        and report.inputs["corpus"].digest == first.inputs["corpus"].digest
        and (report.parts.params, report.parts.modules, report.parts.libraries)
        == (first.parts.params, first.parts.modules, first.parts.libraries)
        for report in reports
    )
