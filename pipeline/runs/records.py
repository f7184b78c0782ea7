"""Where the traces of a run lie in the store: one prefix a run, so that it can be read, followed and collected as one.

``runs/<run>/plan.json`` is what the run relies on, written before it relies on it: a root for garbage collection. Beside it
each step leaves its request (with the references it reads), its live progress, and, if it ended badly, why.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from pipeline.artifacts.base import NotFound
from pipeline.artifacts.manifest import Frozen

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store


class StepProgress(Frozen):
    """How far a step at work is."""

    done: float
    """Units finished."""

    total: float
    """Units in all; 0 when not known."""

    unit: str
    """What is counted, plural."""

    figures: dict[str, float] = {}
    """What else a person may want to see live: loss, tokens a second."""

    started: datetime
    """When this attempt began, with time zone."""

    updated: datetime
    """When this was written, with time zone."""


class Failure(Frozen):
    """Why an attempt of a step ended badly."""

    exit_code: int
    """Exit code of the component."""

    message: str
    """The one line a person reads."""

    damaged: bool = False
    """Whether a stored artifact was found damaged: planning anew rebuilds it."""


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
    """Key of what the last attempt of a step died of."""
    return f"runs/{run}/{step}/failure.json"


def reference_key(run: str, step: str) -> str:
    """Key of the reference that a step handed on, in a run without a plan."""
    return f"runs/{run}/{step}/reference.json"


def read_progress(store: Store, run: str, step: str) -> StepProgress | None:
    """Live progress of a step; None before it has told any."""
    return _read(store, progress_key(run, step), StepProgress)


def read_failure(store: Store, run: str, step: str) -> Failure | None:
    """Why the last attempt of a step ended badly; None when it did not."""
    return _read(store, failure_key(run, step), Failure)


def _read(store: Store, key: str, record: type[Record]) -> Record | None:
    try:
        return record.model_validate_json(store.get(key).data)
    except (NotFound, ValidationError):
        return None
