"""ROUGE-1, ROUGE-2 and ROUGE-L, the F-measure of each, for one example at a time (Lin 2004).

Counted by the `rouge-score` library without stemming, on a scale of 0 to 100. Its own tokenizer knows the letters a to z
only, which would score text of any other script as zero; ours takes words of every script and gives the same words on ASCII.
Words of a text are kept, since each reference is compared with every system's output.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rouge_score.rouge_scorer import RougeScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS = ("rouge1", "rouge2", "rougeL")
WORD = re.compile(r"[^\W_]+")


class Words:
    """The tokenizer protocol of `rouge_score`."""

    @staticmethod
    @lru_cache(maxsize=20_000)
    def tokenize(text: str) -> list[str]:
        """Lower-cased runs of letters and digits."""
        return WORD.findall(text.lower())


def rouge(references: Sequence[str], outputs: Sequence[str]) -> dict[str, list[float]]:
    """Score outputs against references.

    Args:
        references: what was expected.
        outputs: what was written, in the same order.

    Returns:
        Metric → one F-measure for each example, 0 to 100.
    """
    scorer = RougeScorer(list(METRICS), tokenizer=Words())
    scored = [scorer.score(reference, output) for reference, output in zip(references, outputs, strict=True)]
    return {metric: [100 * score[metric].fmeasure for score in scored] for metric in METRICS}
