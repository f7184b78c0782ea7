"""How many machines share a step's work: execution, never part of an identity."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pipeline.section import Section

MOST = 64


class Workers(Section):
    """Steps that several machines share, at least one."""

    cleaning: int | None = Field(default=None, ge=2, le=MOST)
    """Number of steps that read and clean the source, each a share of it, before ingestion puts the corpus together. None: ingestion does it alone."""

    tokenization: int | None = Field(default=None, ge=2, le=MOST)
    """Number of steps that encode the corpus, each a share of its shards, before tokenization joins them. None: tokenization does it alone."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.cleaning is None and self.tokenization is None:
            raise ValueError("a number of machines for cleaning or tokenization")
        return self


class Share(Section):
    """The share of one of these steps."""

    number: int = Field(ge=1, le=MOST)
    """Which share, from 1."""

    of: int = Field(ge=1, le=MOST)
    """How many shares there are."""


def shares(of: int | None) -> list[Share]:
    """The shares of a step's work.

    Args:
        of: number of steps that share it; None for a step that does all of it: there are no shares then.
    """
    return [Share(number=number, of=of) for number in range(1, of + 1)] if of else []
