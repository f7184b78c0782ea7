"""What an attempt has on local disk: an empty folder of its own, and its inputs in it."""

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
    from pipeline.runs.request import Request
    from pipeline.settings import Settings


@contextmanager
def scratch(settings: Settings, request: Request, epoch: int) -> Iterator[Path]:
    """An empty folder on local disk for this attempt; what earlier attempts of the same step left is removed first.

    Args:
        settings: which process of a training this is, and where the state is.
        request: what is asked for.
        epoch: of the lease; 0 where another process holds it.
    """
    parent = settings.state.resolve() / "scratch"
    # ranks on one machine share the state folder, and must leave each other's alone
    label = f"{request.stage}-{request.fingerprint[:16]}" + (f".{settings.rank}" if settings.rank else "")
    try:
        for left in parent.glob(f"{label}-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = parent / f"{label}-{epoch}-{time.time_ns()}"
        folder.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"cannot write below {parent}: {error.strerror}", "a folder we may write to", "set TRAINSHED_STATE") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def open_inputs(artifacts: Artifacts, request: Request, folder: Path) -> dict[str, Opened]:
    """The files of every input, verified and read-only, below ``folder``.

    Raises:
        Damaged: one is not what was planned with, or its bytes are wrong.
    """
    return {name: _open(artifacts, request, name, folder) for name in request.inputs}


def _open(artifacts: Artifacts, request: Request, name: str, folder: Path) -> Opened:
    reference = request.inputs[name]
    manifest = artifacts.find(reference.stage, reference.fingerprint)
    if manifest is None:
        raise Damaged(
            f"input {name}: no manifest {reference.stage}/{reference.fingerprint[:12]}", "what was planned with", "plan the run anew"
        )
    if manifest.digest != reference.digest:
        raise Damaged(f"input {name} was made anew with another result", f"digest {reference.digest[:12]}", "plan the run anew")
    return Opened(artifacts.open(manifest, folder / "inputs" / name), manifest)
