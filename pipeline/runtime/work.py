"""What a body is handed: its params, its verified inputs, an empty folder to fill, and ways to speak."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pipeline.component import Params

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.reporter import Checkpoints, Reporter
    from pipeline.runs.request import Request
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tracking import MlflowRun
    from pipeline.training.ranks import Ranks

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Opened:
    """An input: its files, read-only and verified, and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def reference(self) -> Reference:
        """The address of the artifact."""
        return self.manifest.reference


@dataclass(frozen=True)
class Work(Generic[P]):
    """Everything one attempt of one step works with."""

    request: Request
    params: P
    inputs: Mapping[str, Opened]
    output: Path
    reporter: Reporter
    settings: Settings
    artifacts: Artifacts
    tracked: MlflowRun | None
    """The step's MLflow run; see `tracking`."""

    trained: Checkpoints | None = None
    """Where a training step keeps its state; see `checkpoints`."""

    ranks: Ranks | None = None
    """The processes that train together; None where this one is alone."""

    counts: dict[str, int] = field(default_factory=dict)
    """To be filled: whole numbers that later stages rely on."""

    metrics: dict[str, float] = field(default_factory=dict)
    """To be filled: final figures, for the manifest and MLflow."""

    environment: dict[str, str] = field(default_factory=dict)
    """To be filled: what else belongs into the provenance, e.g. threads and device."""

    @property
    def source(self) -> Pin:
        """The pinned source of an ingestion."""
        assert self.request.pin is not None  # noqa: S101 - the runtime checked the contract's inputs
        return self.request.pin

    @property
    def tracking(self) -> MlflowRun:
        """The step's MLflow run."""
        assert self.tracked is not None  # noqa: S101 - only a rank that follows another has none, and its body asks for none
        return self.tracked

    @property
    def checkpoints(self) -> Checkpoints:
        """Where a training step keeps its state."""
        assert self.trained is not None  # noqa: S101 - the contract says `trains`
        return self.trained
