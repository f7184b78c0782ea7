"""Rebuild a registered version from its manifests and compare digests (`trainshed models reproduce`).

Every artifact that led to the model is rebuilt in an empty store, stage by stage, with the params of its manifest. If the
source still has the revision of then, ingestion reads it again. If not, the corpus is copied from the original store, and the
comparison starts after it. Nothing is written to the original store.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from components import COMPONENTS
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.fingerprint import differences, fingerprint_parts, input_digests
from pipeline.erasure.tombstones import APPLIED, copy_tombstones
from pipeline.errors import BadInput, TrainshedError
from pipeline.local.child_process import run_process
from pipeline.local.command import ENVIRONMENT, component_command
from pipeline.runs.records import read_failure
from pipeline.runs.request import Request
from pipeline.starts.pin import pin_source, source_of
from pipeline.tracking import end_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.manifest import Manifest, Parts, Reference
    from pipeline.component import Component, Params
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


class RebuiltStage(NamedTuple):
    """One rebuilt stage."""

    stage: str
    original_digest: str
    """Content digest of the original artifact."""

    rebuilt_digest: str
    """Content digest of the rebuilt artifact."""

    copied: bool
    """Whether it was copied from the original store because its source was deleted or has changed."""


def reproduce(model: Reference, recipe: str, run: str, settings: Settings, on_line: Callable[[str, str], None]) -> list[RebuiltStage]:
    """Rebuild a model and everything it was made from.

    Args:
        model: the model artifact, e.g. of a ledger entry.
        recipe: name of the recipe, for MLflow.
        run: id of this run.
        settings: where the original is stored.
        on_line: called with the stage and each log line.

    Returns:
        One row for each stage, in the order of the line.

    Raises:
        BadInput: a manifest does not exist, or the code or a library differs from the original.
        Unavailable: a dependency is unavailable.
    """
    original = open_artifacts(settings, read_only=True)
    state = settings.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reproduce-", dir=state) as scratch:
        elsewhere = settings.model_copy(update={"store": f"file://{scratch}/store", "state": Path(scratch)})
        rebuilder = _Rebuilder(original, open_artifacts(elsewhere), elsewhere, recipe, run, on_line)
        try:
            rebuilder.rebuild(model)
        finally:
            end_run(settings, recipe, run, "FINISHED")
        return list(rebuilder.done.values())


class _Rebuilder:
    """Rebuilds artifacts, each one once, after their inputs."""

    def __init__(
        self, original: Artifacts, copy: Artifacts, settings: Settings, recipe: str, run: str, on_line: Callable[[str, str], None]
    ) -> None:
        self.original, self.copy, self.settings, self.recipe, self.run, self.on_line = original, copy, settings, recipe, run, on_line
        self.done: dict[str, RebuiltStage] = {}
        self._references: dict[str, Reference] = {}

    def rebuild(self, reference: Reference) -> Reference:
        """Rebuild an artifact after its inputs."""
        if reference.fingerprint in self._references:
            return self._references[reference.fingerprint]
        manifest = self.original.resolve(reference)
        if manifest is None:
            raise BadInput(
                f"{reference.stage} {reference.fingerprint[:12]} is not in the store",
                "",
                "restore the manifest from a backup",
            )
        inputs = {name: self.rebuild(origin) for name, origin in manifest.inputs.items()}
        component: Component = COMPONENTS.load(manifest.stage)
        params = component.params.model_validate(manifest.parts.params)
        pin = self._pin(component, params)
        copied = "source" in manifest.parts.inputs and (pin is None or pin.digest != manifest.parts.inputs["source"])
        rebuilt = self._copy(manifest) if copied else self._run(manifest, component, params, inputs, pin)
        self.done[manifest.fingerprint] = RebuiltStage(manifest.stage, manifest.digest, rebuilt.digest, copied)
        self._references[reference.fingerprint] = rebuilt
        return rebuilt

    def _pin(self, component: Component, params: Params) -> Pin | None:
        """The present revision of the source; None if it cannot be read, or the component reads none."""
        source = source_of(params)
        if source is None:
            return None
        try:
            return pin_source(source, self.settings)
        except TrainshedError as error:
            self.on_line(component.name, f"the source can no longer be read: {error}")
            return None

    def _copy(self, manifest: Manifest) -> Reference:
        """Copy an artifact from the original store."""
        self.on_line(manifest.stage, "the source has changed since: the artifact is copied from the store")
        with tempfile.TemporaryDirectory(dir=self.settings.state) as folder:
            self.original.open(manifest, Path(folder))
            draft = Draft(**{name: getattr(manifest, name) for name in Draft.model_fields})
            return self.copy.commit(draft, Path(folder)).reference

    def _run(self, manifest: Manifest, component: Component, params: Params, inputs: dict[str, Reference], pin: Pin | None) -> Reference:
        parts = self._parts(component, params, inputs, pin)
        changed = [line for line in differences(manifest.parts, parts) if not line.startswith("input ")]
        if changed:
            version = manifest.provenance.code_version
            raise BadInput(
                f"{manifest.stage} cannot be reproduced here: {changed[0]}",
                "the code and libraries of the original",
                f"check out commit {version[:12]} and install its lock file",
            )
        if pin:
            copy_tombstones(self.original.store, self.copy.store, manifest.counts.get(APPLIED, 0))
        request = Request(
            run=self.run,
            recipe=self.recipe,
            step=f"reproduce-{manifest.stage}",
            stage=manifest.stage,
            params=parts.params,
            inputs=inputs,
            pin=pin,
            fingerprint=parts.fingerprint,
        )
        place = self.settings.state / f"{manifest.stage}-{manifest.fingerprint[:12]}.json"
        place.write_text(request.model_dump_json())
        env = {
            **ENVIRONMENT,
            "TRAINSHED_STORE": self.settings.store,
            "TRAINSHED_STATE": str(self.settings.state),
            **_threads(manifest),
            **self._mlflow(),
        }
        count = _processes(manifest, self.on_line)
        code = run_process(
            component_command(manifest.stage, str(place), count), env, lambda line: self.on_line(manifest.stage, line), lambda: False
        )
        rebuilt = self.copy.find(manifest.stage, parts.fingerprint)
        if code or rebuilt is None:
            failure = read_failure(self.copy.store, self.run, request.step)
            raise TrainshedError(f"{manifest.stage} ended with exit code {code}: {failure.message if failure else 'see its log above'}")
        return rebuilt.reference

    def _parts(self, component: Component, params: Params, inputs: dict[str, Reference], pin: Pin | None) -> Parts:
        """The parts of the fingerprint, with the rebuilt inputs."""
        counted = {name: reference for name, reference in inputs.items() if component.input(name).identity}
        manifests = {name: manifest for name, reference in counted.items() if (manifest := self.copy.resolve(reference))}
        digests = input_digests(component, manifests) | ({"source": pin.digest} if pin else {})
        return fingerprint_parts(component, params, digests, input_params=[manifest.parts.params for manifest in manifests.values()])

    def _mlflow(self) -> dict[str, str]:
        """MLflow's address and log-in; the scratch state folder has no file ``env`` with them."""
        env = {"MLFLOW_TRACKING_URI": self.settings.mlflow_uri}
        if self.settings.mlflow_username and self.settings.mlflow_password:
            env["MLFLOW_TRACKING_USERNAME"] = self.settings.mlflow_username
            env["MLFLOW_TRACKING_PASSWORD"] = self.settings.mlflow_password.get_secret_value()
        return env


def _processes(manifest: Manifest, on_line: Callable[[str, str], None]) -> int:
    """World size of the original training, if it is possible here: on a CPU, and the same from the first step to the last."""
    environment = manifest.provenance.environment
    count = environment.get("processes", "1")
    if count == "1" or (count.isdigit() and environment.get("device") == "cpu"):
        return int(count)
    on_line(manifest.stage, f"the original was trained by several processes ({count}), here it is one: the last bits may differ")
    return 1


def _threads(manifest: Manifest) -> dict[str, str]:
    """The thread count of the original: another count adds sums in another order, and the last bits differ."""
    threads = manifest.provenance.environment.get("threads")
    return {"TRAINSHED_THREADS": threads} if threads else {}
