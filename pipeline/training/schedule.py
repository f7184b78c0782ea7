"""The learning rate over time: warm-up, stable, linear decay (Hu et al. 2024, MiniCPM, section 4).

Against a cosine, most of the run is at the peak, and the fall at the end brings the gain, whatever the length.
"""

from __future__ import annotations

FLOOR = 0.01
"""Where the decay ends, as a share of the peak."""


def factor(step: int, steps: int, warmup: float, decay: float) -> float:
    """What the peak learning rate is multiplied by at ``step``.

    Args:
        step: optimizer step, from 1 to ``steps``.
        steps: length of the run.
        warmup: share of the steps in which the rate rises linearly from zero.
        decay: share of the steps, at the end, in which it falls linearly to `FLOOR`.
    """
    rising = min(1.0, step / max(1.0, warmup * steps))
    left = (steps - step) / max(1.0, decay * steps) if decay else 1.0
    return rising * min(1.0, FLOOR + (1.0 - FLOOR) * left)
