"""Refuse NaN and infinity, so that a diverged model is never kept.

The loss and the gradients are checked at every step, before the weights are updated. The weights are checked at every validation and
before every checkpoint, the last step included. A checkpoint, the best weights and the final model are therefore always finite.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.models.finite import find_non_finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FIX = "lower learning_rate, matrix_learning_rate or clip, or raise warmup"


def check_finite(name: str, value: float, step: int) -> None:
    """Check one number of a step.

    Args:
        name: what it is, e.g. ``"training loss"``.
        value: the number.
        step: optimizer step, from 1.

    Raises:
        BadInput: it is NaN or infinite.
    """
    if not math.isfinite(value):
        raise BadInput(f"training diverged: the {name} of step {step} is {value}", "", FIX)


def check_finite_tensors(tensors: Mapping[str, Tensor], step: int) -> None:
    """Check weights or optimizer state after a step.

    Raises:
        BadInput: an element of a tensor is NaN or infinite; names the tensor.
    """
    name = find_non_finite(tensors)
    if name is not None:
        raise BadInput(f"training diverged: {name} holds NaN or infinity after step {step}", "", FIX)
