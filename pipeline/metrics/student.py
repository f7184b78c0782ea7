"""Student's t distribution, far into its tail, without scipy: the image in which registration runs does not have it.

With t = sqrt(v) tan(a), the upper tail is an integral of a smooth function over a short range:
P(T > t) = C * integral of cos(a)^(v-1) from atan(t / sqrt(v)) to pi/2, with C = Gamma((v+1)/2) / (sqrt(pi) Gamma(v/2)).
Gauss-Legendre quadrature gives it with a relative error below 1e-5, for v from 1 up and tails down to 1e-12 (tested against scipy).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

NODES = 80
REACH = 40
"""The range of the integral in units of 1 / sqrt(v): the rest is less than 1e-16 of the tail."""

BISECTIONS = 60


def upper_tail(value: float, freedom: float) -> float:
    """P(T > value) of Student's t distribution.

    Args:
        value: at least 0.
        freedom: degrees of freedom, at least 1; need not be whole.
    """
    start = math.atan(value / math.sqrt(freedom))
    end = min(math.pi / 2, start + REACH / math.sqrt(freedom))
    nodes, weights = _nodes()
    angles = start + (end - start) * (nodes + 1) / 2
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(math.pi) / 2
    return float(weights @ np.exp(scale + (freedom - 1) * np.log(np.cos(angles)))) * (end - start) / 2


def upper_quantile(tail: float, freedom: float) -> float:
    """The value that Student's t exceeds with a probability of ``tail``.

    Args:
        tail: between 0 and 0.5.
        freedom: degrees of freedom, at least 1; need not be whole.
    """
    low, high = 0.0, 1.0
    while upper_tail(high, freedom) > tail:
        low, high = high, 2 * high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if upper_tail(middle, freedom) > tail else (low, middle)
    return high


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(NODES)
