"""Rebuilding a registered version from its manifests, to compare digests.

Everything that led to the model is made anew in an empty store of its own, stage by stage, with the params its manifest names.
The source is pinned again: at the same revision it is read again, otherwise the corpus is taken from the store as it lies there
and the comparison begins after it. Nothing is written to the store that is reproduced from.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from components import COMPONENTS
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.fingerprint import differences, fingerprint_parts
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput, TrainshedError
from pipeline.local.command import ENVIRONMENT, component_command
from pipeline.local.process import run_process
from pipeline.lookup import load
from pipeline.recipe.data import Source
from pipeline.runs.records import read_failure
from pipeline.runs.request import Request
from pipeline.sources import PINNERS
from pipeline.tracking import end_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.component import Component, Params
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


class Rebuilt(NamedTuple):
    """One stage, made anew."""

    stage: str
    wanted: str
    """Content digest as registered."""

    got: str
    """Content digest of the rebuilt artifact."""

    taken: bool
    """Whether it was taken from the store because its source is gone or has changed."""


def reproduce(model: Reference, recipe: str, run: str, settings: Settings, on_line: Callable[[str, str], None]) -> list[Rebuilt]:
    """Rebuild a model and everything it was made from.

    Args:
        model: the model artifact, e.g. of a ledger entry.
        recipe: name of the recipe, for MLflow.
        run: id of this run.
        settings: where the original lies.
        on_line: called with the stage and each log line.

    Returns:
        One row a stage, in the order they were made.

    Raises:
        BadInput: a manifest is gone, or the code or a library is another one than then.
        Unavailable: something stayed away.
    """
    original = open_artifacts(settings)
    state = settings.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reproduce-", dir=state) as scratch:
        elsewhere = settings.model_copy(update={"store": f"file://{scratch}/store", "state": Path(scratch)})
        rebuilding = _Rebuilding(original, open_artifacts(elsewhere), elsewhere, recipe, run, on_line)
        try:
            rebuilding.rebuild(model)
        finally:
            end_run(settings, recipe, run, "FINISHED")
        return list(rebuilding.done.values())


class _Rebuilding:
    """The stages rebuilt so far."""

    def __init__(
        self, original: Artifacts, copy: Artifacts, settings: Settings, recipe: str, run: str, on_line: Callable[[str, str], None]
    ) -> None:
        self.original, self.copy, self.settings, self.recipe, self.run, self.on_line = original, copy, settings, recipe, run, on_line
        self.done: dict[str, Rebuilt] = {}
        self._references: dict[str, Reference] = {}

    def rebuild(self, reference: Reference) -> Reference:
        """Make the artifact anew, after what it was made from."""
        if reference.fingerprint in self._references:
            return self._references[reference.fingerprint]
        manifest = self.original.find(reference.stage, reference.fingerprint)
        if manifest is None:
            raise BadInput(
                f"{reference.stage} {reference.fingerprint[:12]} is not in the store",
                "every manifest of the version",
                "restore it from a backup",
            )
        inputs = {name: self.rebuild(origin) for name, origin in manifest.inputs.items()}
        component: Component = load("component", COMPONENTS, manifest.stage)
        params = component.params.model_validate(manifest.parts.params)
        pin = self._pin(component, params)
        taken = "source" in manifest.parts.inputs and (pin is None or pin.digest != manifest.parts.inputs["source"])
        made = self._take(manifest) if taken else self._make(manifest, component, params, inputs, pin)
        self.done[manifest.fingerprint] = Rebuilt(manifest.stage, manifest.digest, made.digest, taken)
        self._references[reference.fingerprint] = made
        return made

    def _pin(self, component: Component, params: Params) -> Pin | None:
        """The source as it stands now; None when it is gone, or there is none."""
        if not any(wanted.type is ArtifactType.SOURCE for wanted in component.inputs.values()):
            return None
        source = Source.model_validate(params.model_dump(mode="json")["data"]["source"])
        try:
            pin: Pin = load("source", PINNERS, source.kind)(source, self.settings)
        except TrainshedError as error:
            self.on_line(component.name, f"the source cannot be read any more: {error}")
            return None
        return pin

    def _take(self, manifest: Manifest) -> Reference:
        """Carry an artifact over as it lies in the store."""
        self.on_line(manifest.stage, "the source is no longer at the revision that was read: the artifact is taken from the store")
        with tempfile.TemporaryDirectory(dir=self.settings.state) as folder:
            self.original.open(manifest, Path(folder))
            draft = Draft(**{name: getattr(manifest, name) for name in Draft.model_fields})
            return self.copy.commit(draft, Path(folder)).reference

    def _make(self, manifest: Manifest, component: Component, params: Params, inputs: dict[str, Reference], pin: Pin | None) -> Reference:
        digests = {name: origin.digest for name, origin in inputs.items()} | ({"source": pin.digest} if pin else {})
        parts = fingerprint_parts(component, params, digests)
        changed = [line for line in differences(manifest.parts, parts) if not line.startswith("input ")]
        if changed:
            version = manifest.provenance.code_version
            raise BadInput(
                f"{manifest.stage} cannot be reproduced here: {changed[0]}",
                "the code and libraries of then",
                f"check out {version[:12]} and its lock file",
            )
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
        made = self.copy.find(manifest.stage, parts.fingerprint)
        if code or made is None:
            failure = read_failure(self.copy.store, self.run, request.step)
            raise TrainshedError(f"{manifest.stage} ended with {code}: {failure.message if failure else 'see its log above'}")
        return made.reference

    def _mlflow(self) -> dict[str, str]:
        """MLflow's address and log-in: the scratch folder has no file that would tell them."""
        env = {"MLFLOW_TRACKING_URI": self.settings.mlflow_uri}
        if self.settings.mlflow_username and self.settings.mlflow_password:
            env["MLFLOW_TRACKING_USERNAME"] = self.settings.mlflow_username
            env["MLFLOW_TRACKING_PASSWORD"] = self.settings.mlflow_password.get_secret_value()
        return env


def _processes(manifest: Manifest, on_line: Callable[[str, str], None]) -> int:
    """How many processes trained then, where so many can be had here: on a CPU, and as many from the first step to the last."""
    environment = manifest.provenance.environment
    told = environment.get("processes", "1")
    if told == "1" or (told.isdigit() and environment.get("device") == "cpu"):
        return int(told)
    on_line(manifest.stage, f"trained then by several processes ({told}), here by one: the last bits may differ")
    return 1


def _threads(manifest: Manifest) -> dict[str, str]:
    """The thread count of then: sums are added in another order with another, and the last bits differ."""
    threads = manifest.provenance.environment.get("threads")
    return {"TRAINSHED_THREADS": threads} if threads else {}
