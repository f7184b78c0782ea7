"""The arguments of a body: params, verified inputs, an empty output folder, reporter and servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pipeline.component import Params, several

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts, Reference
    from pipeline.reporter import Checkpoints, Reporter
    from pipeline.runs.request import Request
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tracking import MlflowRun
    from pipeline.training.process_group import ProcessGroup

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Opened:
    """An input: the files of the parts that the contract names, read-only and verified, and the manifest of the whole artifact."""

    folder: Path
    manifest: Manifest

    @property
    def reference(self) -> Reference:
        """The address of the artifact."""
        return self.manifest.reference


@dataclass(frozen=True)
class Work(Generic[P]):
    """Everything the body of one attempt works with."""

    request: Request
    params: P
    inputs: Mapping[str, Opened]
    output: Path
    reporter: Reporter
    settings: Settings
    artifacts: Artifacts
    identity: Parts
    """What the fingerprint of the step covers."""

    tracked: MlflowRun | None
    """The step's MLflow run, None on ranks above 0; read it as `tracking`."""

    trained: Checkpoints | None = None
    """Where a training step keeps its state, None for other steps; read it as `checkpoints`."""

    process_group: ProcessGroup | None = None
    """The process group of this training; None if the world size is 1."""

    counts: dict[str, int] = field(default_factory=dict)
    """Filled by the body: integers that later stages rely on."""

    metrics: dict[str, float] = field(default_factory=dict)
    """Filled by the body: final figures, for the manifest and MLflow."""

    intermediates: list[str] = field(default_factory=list)
    """Filled by the body: fingerprints of the intermediate results that it used, for the manifest."""

    environment: dict[str, str] = field(default_factory=dict)
    """Filled by the body: other provenance, e.g. threads and device."""

    def several(self, name: str) -> list[Opened]:
        """The artifacts of an input that takes several, in their order; empty if there is none.

        Args:
            name: of the input in the contract.
        """
        return several(self.inputs, name)

    @property
    def source(self) -> Pin:
        """The pinned source of an ingestion."""
        assert self.request.pin is not None  # noqa: S101 - the runtime checked the contract's inputs
        return self.request.pin

    @property
    def tracking(self) -> MlflowRun:
        """The step's MLflow run."""
        assert self.tracked is not None  # noqa: S101 - only ranks above 0 have none, and their body does not ask
        return self.tracked

    @property
    def checkpoints(self) -> Checkpoints:
        """Where a training step keeps its state."""
        assert self.trained is not None  # noqa: S101 - the contract says `trains`
        return self.trained
