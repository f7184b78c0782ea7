"""What a metric is: a function from references and outputs to one number for each example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Metric(Protocol):
    """Scores outputs; higher is better."""

    def __call__(self, references: Sequence[str], outputs: Sequence[str]) -> list[float]:
        """Score each output.

        Args:
            references: the expected texts.
            outputs: the written texts, in the same order.

        Returns:
            One value for each example, in order; the same for the same arguments.
        """
