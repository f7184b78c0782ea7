"""Keys and records of a run in the store, all under ``runs/<run>/``.

``runs/<run>/plan.json`` names what the run relies on, and is written first: a root for garbage collection. Each step adds its
request (with the references it reads), its live progress and, if it failed, the failure.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from pipeline.artifacts.base import NotFound
from pipeline.artifacts.manifest import Frozen
from pipeline.artifacts.sealed import read_record
from pipeline.errors import Outdated, SourceChanged

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store


class StepProgress(Frozen):
    """How far a running step is."""

    done: float
    """Units finished."""

    total: float
    """Total units; 0 if unknown."""

    unit: str
    """What is counted, plural."""

    figures: dict[str, float] = {}
    """Other live figures: loss, tokens per second."""

    started: datetime
    """When this attempt began, with time zone."""

    updated: datetime
    """When this was written, with time zone."""


class Failure(Frozen):
    """Why an attempt of a step failed."""

    exit_code: int
    """Exit code of the component."""

    message: str
    """The one line a person reads."""

    replan: bool = False
    """Whether a retry would fail the same way, but a new plan of the run would not: a stored artifact was found damaged, or the
    champion changed during the run."""

    killed: bool = False
    """Whether a signal killed it, e.g. because memory was short."""

    @property
    def replans(self) -> int:
        """How often the run is planned again at most because of it: a source that changes again is bad input."""
        return SourceChanged.replans if self.exit_code == SourceChanged.exit_code else Outdated.replans


Record = TypeVar("Record", StepProgress, Failure)


def plan_key(run: str) -> str:
    """Key of the plan of a run."""
    return f"runs/{run}/plan.json"


def request_key(run: str, step: str) -> str:
    """Key of the request of a step."""
    return f"runs/{run}/{step}/request.json"


def progress_key(run: str, step: str) -> str:
    """Key of the live progress of a step."""
    return f"runs/{run}/{step}/progress.json"


def failure_key(run: str, step: str) -> str:
    """Key of the failure of the last attempt of a step."""
    return f"runs/{run}/{step}/failure.json"


def reference_key(run: str, step: str) -> str:
    """Key of the reference that a step returned, in a run without a plan."""
    return f"runs/{run}/{step}/reference.json"


def read_progress(store: Store, run: str, step: str) -> StepProgress | None:
    """Live progress of a step; None before the first report."""
    return _read(store, progress_key(run, step), StepProgress)


def read_failure(store: Store, run: str, step: str) -> Failure | None:
    """Failure of the last attempt of a step; None if it did not fail."""
    return _read(store, failure_key(run, step), Failure)


def _read(store: Store, key: str, record: type[Record]) -> Record | None:
    try:
        return read_record(store, key, record.model_validate_json)
    except (NotFound, ValidationError):
        return None
