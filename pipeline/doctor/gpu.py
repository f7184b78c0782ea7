"""The GPU: what ``TRAINSHED_DEVICE`` asks for, compared with what the driver shows.

It runs ``nvidia-smi``, because this side never imports torch; whether torch was built for CUDA shows when the first step starts.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from pipeline.doctor.base import Finding
from pipeline.errors import unknown_name
from pipeline.launchers import LAUNCHERS
from pipeline.launchers.base import launcher_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

DEVICES = ("auto", "cpu", "cuda")
TIMEOUT_S = 20


def check_gpu(settings: Settings) -> Iterator[Finding]:
    """Compare the setting with this machine."""
    asked = settings.device
    if asked not in DEVICES:
        raise unknown_name("device", asked, DEVICES)
    if settings.launcher in LAUNCHERS and launcher_record(settings.launcher).runs_elsewhere(settings):
        yield Finding("ok", f"device {asked}; launcher {settings.launcher} runs steps on other machines than this one")
        return
    names, why = visible_gpus()
    if asked == "cuda" and not names:
        yield Finding("error", f"device cuda, but {why}", "", "set TRAINSHED_DEVICE=cpu or auto, or install the driver")
    elif names:
        yield Finding("ok", f"device {asked}; {len(names)} visible: {', '.join(sorted(set(names)))}")
    else:
        yield Finding("ok", f"device {asked}; {why}: steps run on the CPU")


def visible_gpus() -> tuple[list[str], str]:
    """Names of the GPUs that the driver shows, and if there are none, why."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return [], "nvidia-smi not found"
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [], f"nvidia-smi does not answer within {TIMEOUT_S} seconds"
    except OSError as error:
        return [], f"nvidia-smi does not start ({error.strerror})"
    said = [line.strip() for line in (done.stdout or done.stderr).splitlines() if line.strip()]
    if done.returncode or not said:
        return [], f"nvidia-smi says: {said[0] if said else done.returncode}"
    return said, ""
