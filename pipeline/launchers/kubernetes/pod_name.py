"""The name of an attempt's pod: the same for all attempts at a step of a run, so that a retry finds the running pod.

A name that the server chooses has to be stored, and a worker that dies between creating a pod and storing its name leaves a pod that
nobody can find. A name that follows from the work cannot be lost, and the API server refuses a second pod of that name.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

LONGEST_NAME = 63
LONGEST_LABEL = 63
RUN_DIGITS = 8
FINGERPRINT_DIGITS = 12


def pod_name(request: Request, settings: Settings, longest: int = LONGEST_NAME) -> str:
    """``<step>-<fingerprint>-<run>``, the last two shortened; a DNS label, because it is also the host name in the pod.

    Installations that share a namespace may have runs of the same name, so the last part is a digest of the store's address and the run.
    """
    run = hashlib.sha256(f"{settings.s3_endpoint} {settings.store} {request.run}".encode()).hexdigest()
    step = re.sub(r"[^a-z0-9]+", "-", request.step.lower()).strip("-")
    ends = f"{request.fingerprint[:FINGERPRINT_DIGITS]}-{run[:RUN_DIGITS]}"
    return f"{step[: longest - len(ends) - 1].rstrip('-')}-{ends}"


def is_outdated(other: str, name: str) -> bool:
    """Whether the pod or TrainJob ``other`` works for the same run of the same installation as ``name``, but on another fingerprint.

    Both must have the labels of one run and one step: names of steps may be shortened.
    """
    return other != name and other.rpartition("-")[2] == name.rpartition("-")[2]


def label_value(text: str) -> str:
    """The text as the value of a label: at most 63 allowed characters."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:LONGEST_LABEL].strip("._-")
