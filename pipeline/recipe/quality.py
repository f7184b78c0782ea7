"""The recipe's ``data.quality`` section: which documents are kept because they look like a reference text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from pipeline.recipe.sources_checks import same_place
from pipeline.section import Section

if TYPE_CHECKING:
    from pipeline.recipe.data import Source  # noqa: TC004 - that module completes this one
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe


class QualityLimit(Section):
    """Where the filter cuts: one of the two."""

    keep: float | None = Field(None, gt=0, lt=1)
    """Share of the corpus that is kept, the documents most like the reference; it is found on a sample."""

    min_score: float | None = Field(None, gt=0, lt=1)
    """Smallest probability that a document is of the reference, where both are equally frequent."""


class Quality(QualityLimit):
    """Keep documents that look like a reference text. A linear classifier is trained on the reference and on a sample of the source."""

    like: Source
    """The reference: a source of good texts, with ``columns.text`` for the field that holds them."""

    @property
    def limit(self) -> QualityLimit:
        """Where it cuts, without the reference."""
        return QualityLimit(keep=self.keep, min_score=self.min_score)


def quality_problem(recipe: Recipe) -> Problem:
    """What is wrong with ``data.quality``, what is valid, and what to do; None if nothing is."""
    quality = recipe.data.quality
    if quality is None:
        return None
    if (quality.keep is None) == (quality.min_score is None):
        got = "data.quality has both keep and min_score" if quality.keep else "data.quality has neither keep nor min_score"
        return got, "keep, a share of the corpus, or min_score, a probability", "keep one of them" if quality.keep else "add one of them"
    same = next((part for part in recipe.data.parts if same_place(part.source, quality.like)), None)
    if same:
        return f"data.quality.like is {same.field}", "another text: a source cannot be told apart from itself", "correct data.quality.like"
    if quality.like.partitions:
        return "data.quality.like has partitions", "one source, the same for all runs", "remove data.quality.like.partitions"
    return None
