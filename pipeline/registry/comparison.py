"""Repeated tests are paid for: which comparison on a test set this is, and with which error probability it may promote.

One test at 2.5 % seems safe, but of 52 weekly challengers that are no better, one passes in a third of all years, and more often than that
if the test set changes.
So all comparisons on one test set share one error probability: the tail of a two-sided interval with the confidence of the gate, 2.5 % for
95 %. The k-th comparison gets the part k^-2.5 / zeta(2.5) of it. These parts add up to 1 for any number of comparisons, so nobody has to know
it beforehand. The first gets 75 %, which keeps its power; with k^-2 it would get 61 %, and the fiftieth six times as much as it has now.

The sum bounds the chance of *any* false promotion by Boole's inequality, which asks for no independence: that all challengers are compared on
the same examples, often with the same champion, only makes the true chance smaller. A comparison that promotes passes its part on to the
next one, so true improvements cost nothing. This is the "online fallback" of Tian and Ramdas 2021, "Online control of the familywise error
rate"; the first false promotion comes after true ones only, so the parts that it may use are still counted once. Blum and Hardt 2015
("The Ladder") and Renggli et al. 2019 (ease.ml/ci) pay for a reused test set in the same way. As there, the bound is about challengers that
were not made by looking at the scores of single test examples.

A test set is known by its examples. The corpus may grow a little every week, so what counts is how many of the examples were in the test set
at its first comparison: with half of them new, it is a fresh test set, and the count starts again. So does a new ``data.split.salt``.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from pipeline.artifacts.manifest import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.registry.ledger_entry import LedgerEntry

SKETCHED = 64
"""Example ids in a sketch: the share of examples seen before is known to about 0.06."""

DIGITS = 8
"""Hexadecimal digits kept of the hash of an example's id."""

DECAY = 2.5
ZETA = 1.3414872572509171
"""Riemann's zeta function at `DECAY`: the sum of k^-`DECAY` over all k."""

FRESH = 0.5
"""A test set is fresh if at most this share of its examples was in an earlier one."""

KNOWN = 20
"""The newest entries among which a decision about the same scores is looked for. An older one counts as another comparison."""


class Comparison(Frozen):
    """One comparison of a challenger with something else on a test set."""

    number: int = Field(ge=1)
    """Its place among the comparisons on this test set. The same scores compared again keep theirs."""

    tried: int = Field(ge=1)
    """Comparisons on this test set up to now, this one included."""

    share: float = Field(gt=0, le=1)
    """Its part of the whole error probability, with what an earlier promotion passed on."""

    alpha: float = Field(gt=0, lt=0.5)
    """The probability with which it may promote a challenger that is no better."""

    evidence: str
    """Digest of the compared scores, example by example."""

    test_set: str
    """Sketch of the test set at its first comparison, see `sketch`."""


def whole_error(confidence: float) -> float:
    """The error probability that all comparisons on a test set share: one tail of a two-sided interval with this confidence."""
    return (1 - confidence) / 2


def share_of(number: int) -> float:
    """The part of the whole error probability that belongs to a comparison; the parts of all numbers from 1 add up to 1."""
    return float(number**-DECAY) / ZETA


def sketch(ids: Sequence[str]) -> str:
    """A small record of a test set: the hashes of its ids with the smallest values (bottom-k sketch, Cohen and Kaplan 2007)."""
    return "".join(sorted({hashlib.sha256(each.encode()).hexdigest()[:DIGITS] for each in ids})[:SKETCHED])


@lru_cache(maxsize=64)
def share_seen(now: str, before: str) -> float:
    """Estimate of the share of a test set's examples that were in an earlier one.

    Args:
        now: its sketch.
        before: that of the earlier one.
    """
    mine, theirs = _hashes(now), _hashes(before)
    # beyond the largest hash of a full sketch, nothing is known about that test set
    limit = min([found[-1] for found in (mine, theirs) if len(found) == SKETCHED], default="~")
    compared = {each for each in mine if each <= limit}
    return len(compared.intersection(theirs)) / len(compared) if compared else 0.0


def next_comparison(newest_first: Iterable[LedgerEntry], ids: Sequence[str], evidence: str, confidence: float) -> Comparison:
    """The comparison that a decision makes.

    Args:
        newest_first: the entries of the ledger. They are read as far as needed: all of them only for a fresh test set.
        ids: ids of the test examples.
        evidence: digest of the scores to compare.
        confidence: of the gate.
    """
    present, whole = sketch(ids), whole_error(confidence)
    latest: LedgerEntry | None = None
    for place, entry in enumerate(newest_first):
        if latest is not None and place >= KNOWN:
            break
        made = entry.comparison
        if made is None or share_seen(present, made.test_set) <= FRESH:
            continue
        latest = latest or entry
        if made.evidence == evidence:
            return made.model_copy(update={"tried": _made(latest).tried, "alpha": whole * made.share})
    if latest is None:
        return Comparison(number=1, tried=1, share=share_of(1), alpha=whole * share_of(1), evidence=evidence, test_set=present)
    last = _made(latest)
    number = last.tried + 1
    passed_on = last.share if latest.promoted and last.number == last.tried else 0.0
    share = share_of(number) + passed_on
    return Comparison(number=number, tried=number, share=share, alpha=whole * share, evidence=evidence, test_set=last.test_set)


def show_confidence(tail: float) -> str:
    """Confidence of a two-sided interval with this probability on each side, with as many digits as it needs: ``93.9%``, ``99.998%``."""
    left = 200 * tail
    digits = 1
    while left < 10.0**-digits and digits < 9:
        digits += 1
    return f"{100 - left:.{digits}f}%"


def _made(entry: LedgerEntry) -> Comparison:
    assert entry.comparison is not None  # noqa: S101 - only called with entries that compared
    return entry.comparison


def _hashes(sketched: str) -> list[str]:
    return [sketched[start : start + DIGITS] for start in range(0, len(sketched), DIGITS)]
