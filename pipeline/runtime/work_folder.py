"""The local folder of an attempt, and its inputs."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Damaged
from pipeline.runtime.work import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest
    from pipeline.component import Component
    from pipeline.runs.request import Request
    from pipeline.settings import Settings


@contextmanager
def work_folder(settings: Settings, request: Request, epoch: int) -> Iterator[Path]:
    """An empty local folder for this attempt; the folders of earlier attempts of the step are removed first.

    Args:
        settings: rank, and the folder for local state.
        request: the step.
        epoch: of the lease; 0 if another rank holds it.
    """
    parent = settings.state.resolve() / "scratch"
    # ranks on one machine share the state folder
    label = f"{request.stage}-{request.fingerprint[:16]}" + (f".{settings.rank}" if settings.rank else "")
    try:
        for left in parent.glob(f"{label}-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = parent / f"{label}-{epoch}-{time.time_ns()}"
        folder.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"cannot write to {parent}: {error.strerror}", "a writable folder", "set TRAINSHED_STATE") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def open_inputs(component: Component, artifacts: Artifacts, request: Request, folder: Path) -> dict[str, Opened]:
    """Fetch what the body reads of every input, verified and read-only, into ``folder``.

    Raises:
        Damaged: an input is missing, differs from the plan, or its bytes are wrong.
    """
    return {name: _open(artifacts, request, name, folder, component.input(name).parts) for name in request.inputs}


def resolve_input(artifacts: Artifacts, request: Request, name: str) -> Manifest:
    """The manifest of an input.

    Raises:
        Damaged: it is missing.
    """
    reference = request.inputs[name]
    manifest = artifacts.resolve(reference)
    if manifest is None:
        label = f"{reference.stage} {reference.fingerprint[:12]} with digest {reference.digest[:12]}"
        raise Damaged(f"input {name}: {label} not found", "", "run the recipe again")
    return manifest


def _open(artifacts: Artifacts, request: Request, name: str, folder: Path, parts: tuple[str, ...]) -> Opened:
    manifest = resolve_input(artifacts, request, name)
    return Opened(artifacts.open(manifest, folder / "inputs" / name, parts), manifest)
