"""What a corpus says of the classifier that filtered it, for its page and the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FACTS, EXAMPLES = "quality.json", "cleaning_examples.json"
"""Files of a corpus that was filtered so (`pipeline.corpus`)."""


@dataclass(frozen=True)
class QualityFacts:
    """How well the classifier separates the reference from the corpus, and what it decided narrowly."""

    facts: dict[str, Any]
    borderline: list[dict[str, Any]]
    """Texts near the limit, the best first: ``margin`` in log odds, negative for dropped ones, and ``text``."""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The figures in words."""
        reference, corpus = self.facts["texts"]
        return [
            ("learned from", f"{reference:,} texts of the reference and {corpus:,} of the corpus, each half measured by the other"),
            ("area under the ROC curve", _figure(self.facts["auc"], 3)),
            ("right answers, both kinds alike", _share(self.facts["accuracy"])),
            ("of the reference it keeps", _share(self.facts["kept_reference"])),
            ("of the corpus it keeps", _share(self.facts["kept_corpus"])),
        ]


def read_quality(folder: Path) -> QualityFacts | None:
    """Read what a corpus says; None for a corpus without such a filter.

    Args:
        folder: of the corpus.
    """
    if not (folder / FACTS).exists():
        return None
    examples = json.loads((folder / EXAMPLES).read_bytes()) if (folder / EXAMPLES).exists() else {}
    return QualityFacts(json.loads((folder / FACTS).read_bytes()), examples.get("borderline", []))


def _figure(figure: dict[str, float], digits: int) -> str:
    return f"{figure['value']:.{digits}f} (95 %: {figure['low']:.{digits}f} to {figure['high']:.{digits}f})"


def _share(figure: dict[str, float]) -> str:
    return f"{figure['value']:.1%} (95 %: {figure['low']:.1%} to {figure['high']:.1%})"
