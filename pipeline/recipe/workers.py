"""How many machines share a step's work: execution, never part of an identity."""

from __future__ import annotations

from pydantic import Field

from pipeline.section import Section

MOST = 64


class Workers(Section):
    """Steps that several machines share."""

    cleaning: int = Field(ge=2, le=MOST)
    """Number of steps that read and clean the source, each a share of it, before ingestion puts the corpus together."""


class Share(Section):
    """The share of one of these steps."""

    number: int = Field(ge=1, le=MOST)
    """Which share, from 1."""

    of: int = Field(ge=1, le=MOST)
    """How many shares there are."""
