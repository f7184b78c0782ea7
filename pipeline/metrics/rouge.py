"""ROUGE-1, ROUGE-2 and ROUGE-L, the F-measure of each (Lin 2004).

Counted by the `rouge-score` library without stemming. The library's own tokenizer knows only the letters a to z and would score
text of any other script as zero; `pipeline.metrics.words` gives the same words on ASCII.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.metrics.base import Metric, Prediction, mean, means
from pipeline.metrics.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class _Words:
    """The tokenizer protocol of `rouge_score`."""

    @staticmethod
    def tokenize(text: str) -> list[str]:
        return words(text)


def _f_measures(references: Sequence[str], predictions: Sequence[Prediction], kind: str) -> NDArray[Any]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], tokenizer=_Words())
    pairs = zip(references, predictions, strict=True)
    return means([100 * scorer.score(reference, str(prediction.answer))[kind].fmeasure for reference, prediction in pairs])


def _rouge(kind: str, title: str, counted: str) -> Metric:
    meaning = f"{title}: {counted} shared with the reference, as an F-measure, 0 to 100; higher is better."
    return Metric(
        name=kind,
        title=title,
        meaning=meaning,
        statistics=partial(_f_measures, kind=kind),
        value=mean,
        answers=frozenset({"text"}),
        percent=True,
    )


ROUGE_1 = _rouge("rouge1", "ROUGE-1", "words")
ROUGE_2 = _rouge("rouge2", "ROUGE-2", "pairs of neighbouring words")
ROUGE_L = _rouge("rougeL", "ROUGE-L", "the longest common subsequence of words")
