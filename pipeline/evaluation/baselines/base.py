"""What a baseline is: a function that may look at the training pairs and answers for the examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


class Baseline(Protocol):
    """Answers for examples without a model."""

    def __call__(self, train: Sequence[Document], examples: Sequence[Document]) -> list[str]:
        """Write one output for each example.

        Args:
            train: documents of the train split that have a target, at least one.
            examples: what to answer; their targets must not be looked at.

        Returns:
            One text for each example, in order; the same for the same arguments.
        """
