"""Which near duplicates leave a corpus before it is divided."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.section import Section


class Deduplication(Section):
    """Near duplicates: documents that have most of their words in common, e.g. two versions of a page."""

    near: float = Field(0.8, ge=0.6, le=1)
    """Share of the runs of five words of two inputs, taken together, that both have; from it on they are near duplicates."""

    keep: Literal["first", "all"] = "first"
    """What stays of a cluster of near duplicates, all in one split: its first document, or all of them that are in that split."""
