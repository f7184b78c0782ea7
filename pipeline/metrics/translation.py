"""BLEU and chrF, equal to sacreBLEU 2.6 with its default settings.

The default tokenizer of BLEU takes a Chinese, Thai or Burmese sentence for one word. Here each character of scripts without blanks
is a word, as in sacreBLEU's tokenizer for Chinese; other text is left to sacreBLEU.

sacreBLEU counts the n-grams of each example. Its own scores of summed counts take one sum at a time; the formulas here take all
resamples at once, and the gate needs no sacreBLEU. The counting functions have private names, so the version is pinned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Metric, Prediction, ratio
from pipeline.metrics.words import spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import AnswerKind

ORDER = 4
"""BLEU counts sequences of one to four words; chrF of one to six characters."""

BETA = 2
"""chrF weighs recall as much as two of precision."""


def _bleu_counts(references: Sequence[str], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 10] rows: length of the answer, length of the reference, four counts of common n-grams, four counts of n-grams."""
    from sacrebleu.metrics.bleu import BLEU as SACREBLEU

    answers = [spaced(str(prediction.answer)) for prediction in predictions]
    return _counts(SACREBLEU(), [spaced(reference) for reference in references], answers)


def _chrf_counts(references: Sequence[str], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 18] rows: for n-grams of one to six characters those of the answer, of the reference, and of both."""
    from sacrebleu.metrics.chrf import CHRF as SACRECHRF

    return _counts(SACRECHRF(), references, [str(prediction.answer) for prediction in predictions])


def _counts(library: Any, references: Sequence[str], answers: Sequence[str]) -> NDArray[Any]:  # noqa: ANN401 - a sacreBLEU metric
    return np.array(library._extract_corpus_statistics(answers, [list(references)]), dtype=np.float64)  # noqa: SLF001 - see the module


def _bleu(totals: NDArray[Any]) -> NDArray[Any]:
    """Papineni et al. 2002, smoothed as in mteval-v13a: the first order without a match counts half a match, the next a quarter."""
    length, expected = totals[..., 0], totals[..., 1]
    matches, counts = totals[..., 2 : 2 + ORDER], totals[..., 2 + ORDER :]
    missing = (matches == 0) & (counts > 0)
    smoothed = np.where(missing, 0.5 ** np.cumsum(missing, axis=-1), matches)
    precisions = ratio(smoothed, counts)
    scored = (counts > 0).all(axis=-1) & (matches > 0).any(axis=-1)
    logs = np.log(precisions, out=np.zeros_like(precisions), where=precisions > 0).mean(axis=-1)
    brevity = np.exp(np.minimum(0, 1 - ratio(expected, length)))
    return np.asarray(np.where(scored, 100 * brevity * np.exp(logs), 0))


def _chrf(totals: NDArray[Any]) -> NDArray[Any]:
    """Popović 2015: the F-measure of mean precision and mean recall over the orders that both sides have."""
    answer, reference, both = np.moveaxis(totals.reshape(*totals.shape[:-1], -1, 3), -1, 0)
    used = (answer > 0) & (reference > 0)
    orders = used.sum(axis=-1)
    precision = ratio((ratio(both, answer) * used).sum(axis=-1), orders)
    recall = ratio((ratio(both, reference) * used).sum(axis=-1), orders)
    return 100 * ratio((1 + BETA**2) * precision * recall, BETA**2 * precision + recall)


TEXT: frozenset[AnswerKind] = frozenset({"text"})

BLEU = Metric(
    name="bleu",
    title="BLEU",
    meaning="BLEU: word sequences shared with the reference, 0 to 100; higher is better. It is made for many examples, not for one.",
    statistics=_bleu_counts,
    value=_bleu,
    answers=TEXT,
    percent=True,
)
CHRF = Metric(
    name="chrf",
    title="chrF",
    meaning="chrF: character sequences shared with the reference, 0 to 100; higher is better.",
    statistics=_chrf_counts,
    value=_chrf,
    answers=TEXT,
    percent=True,
)
