"""ROUGE-1, ROUGE-2 and ROUGE-L, the F-measure of each, for one example at a time (Lin 2004).

Counted by the `rouge-score` library without stemming, on a scale of 0 to 100. The library's own tokenizer knows only the letters
a to z and would score text of any other script as zero. Ours takes words of every script and gives the same words on ASCII.
It caches the words of a text, since each reference is compared with every system's output.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rouge_score.rouge_scorer import RougeScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+")


class Words:
    """The tokenizer protocol of `rouge_score`."""

    @staticmethod
    @lru_cache(maxsize=20_000)
    def tokenize(text: str) -> list[str]:
        """Lower-cased runs of letters and digits."""
        return WORD.findall(text.lower())


def rouge1(references: Sequence[str], outputs: Sequence[str]) -> list[float]:
    """Common words: one F-measure for each example, 0 to 100."""
    return _f_measures("rouge1", references, outputs)


def rouge2(references: Sequence[str], outputs: Sequence[str]) -> list[float]:
    """Common pairs of neighbouring words: one F-measure for each example, 0 to 100."""
    return _f_measures("rouge2", references, outputs)


def rouge_l(references: Sequence[str], outputs: Sequence[str]) -> list[float]:
    """Longest common subsequence of words: one F-measure for each example, 0 to 100."""
    return _f_measures("rougeL", references, outputs)


def _f_measures(kind: str, references: Sequence[str], outputs: Sequence[str]) -> list[float]:
    scorer = RougeScorer([kind], tokenizer=Words())
    return [100 * scorer.score(reference, output)[kind].fmeasure for reference, output in zip(references, outputs, strict=True)]
