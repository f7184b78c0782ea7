"""Examples of which only the input counts: nothing is noted of them, and nothing is written beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.keys import input_key
from pipeline.tasks.base import SplitKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.documents import Document


class InputsOnly:
    """What such examples have in common."""

    def split_keys(self, document: Document) -> SplitKeys:
        """The input decides."""
        return SplitKeys(input_key(document))

    def note(self, document: Document) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing counts."""
        return None

    def add(self, note: str | None, split: str) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing to note."""
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing to write."""
        return {}
