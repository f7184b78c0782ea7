"""Find a metric by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics import METRICS

if TYPE_CHECKING:
    from pipeline.metrics.base import Metric


def load_metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        BadInput: there is none; the message suggests the most similar name.
    """
    metric: Metric = METRICS.load(name)
    return metric
