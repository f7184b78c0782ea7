"""The protocol of a baseline: a function from training pairs and examples to outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


class Baseline(Protocol):
    """Writes outputs for examples without a model."""

    def __call__(self, train: Sequence[Document], examples: Sequence[Document]) -> list[str]:
        """Write one output for each example.

        Args:
            train: documents of the train split that have a target, at least one.
            examples: what to write outputs for; a baseline must not read their targets.

        Returns:
            One text for each example, in order; the same for the same arguments.
        """
