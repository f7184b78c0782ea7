"""The name of an attempt's pod: the same for every attempt of a step of a run, so that a retry finds the pod that runs already.

A name the server would choose has to be remembered, and a worker that dies between starting a pod and remembering its name leaves
a pod nobody knows. A name that follows from what is to be done cannot be lost, and the API server refuses a second pod of it.
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
    """``<step>-<fingerprint>-<run>``, the last two shortened; a DNS label, as the host name in the pod has to be.

    Installations that share a namespace may have runs of the same name, so the store has a part in the last.
    """
    run = hashlib.sha256(f"{settings.s3_endpoint} {settings.store} {request.run}".encode()).hexdigest()
    step = re.sub(r"[^a-z0-9]+", "-", request.step.lower()).strip("-")
    ends = f"{request.fingerprint[:FINGERPRINT_DIGITS]}-{run[:RUN_DIGITS]}"
    return f"{step[: longest - len(ends) - 1].rstrip('-')}-{ends}"


def label_value(text: str) -> str:
    """The text as a label's value: 63 characters of those that are allowed. For people; nothing is found by it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:LONGEST_LABEL].strip("._-")
