"""The identity of a step before its inputs are known: the code, libraries and params that it was compiled with.

A pipeline file may be months old while images are rebuilt under the same tag. Under Airflow the plan and the image must agree on a
fingerprint; a container that makes its own request would always agree with itself. So the file has the identity that it was compiled
with, and the container compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.lines import Step


def identity_of(step: Step) -> str:
    """The fingerprint ``step`` would have without inputs, from the code and libraries at hand.

    Raises:
        BadInput: a result-bearing library is not installed here.
    """
    return fingerprint_parts(step.component, step.params, {}).fingerprint


def check_identity(step: Step, compiled: str) -> None:
    """Check that this image has the code and libraries that the pipeline was compiled with.

    Raises:
        BadInput: it has not.
    """
    here = identity_of(step)
    if here != compiled:
        raise BadInput(
            f"code or libraries of this image give {step.id} the identity {here[:12]}",
            f"{compiled[:12]}, as compiled",
            "rebuild the image, or compile the pipeline again",
        )
