"""The learning-rate schedule: warm-up, constant, linear decay (Hu et al. 2024, MiniCPM, section 4).

Unlike a cosine it keeps most of the run at the peak rate. The gain comes from the decay at the end, whatever the length of the run.
"""

from __future__ import annotations

FINAL_FACTOR = 0.01
"""The factor at the end of the decay."""


def learning_rate_factor(step: int, steps: int, warmup: float, decay: float) -> float:
    """The factor on the peak learning rate at ``step``.

    Args:
        step: optimizer step, from 1 to ``steps``.
        steps: length of the run.
        warmup: share of the steps, at the beginning, in which the rate rises linearly from zero.
        decay: share of the steps, at the end, in which it falls linearly to `FINAL_FACTOR` of the peak.
    """
    rising = min(1.0, step / max(1.0, warmup * steps))
    left = (steps - step) / max(1.0, decay * steps) if decay else 1.0
    return rising * min(1.0, FINAL_FACTOR + (1.0 - FINAL_FACTOR) * left)
