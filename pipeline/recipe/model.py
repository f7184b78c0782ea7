"""The shape of the model."""

from __future__ import annotations

from pydantic import Field

from pipeline.section import Section


class Model(Section):
    """Architecture and size; part of the params of pretraining and fine-tuning."""

    family: str
    """A name from `pipeline.models.FAMILIES`, e.g. ``t5`` (encoder-decoder) or ``gpt2`` (decoder)."""

    width: int = Field(128, ge=8)
    """Size of the hidden state (d_model)."""

    layers: int = Field(2, ge=1)
    """Number of layers; in an encoder-decoder, of each half."""

    heads: int = Field(4, ge=1)
    """Number of attention heads; divides the width."""

    feed_forward: int = Field(512, ge=8)
    """Size of the feed-forward layer (d_ff)."""

    context: int = Field(128, ge=8)
    """Longest sequence, in tokens."""

    copy_head: bool = False
    """Add a pointer head that may copy source tokens (See et al. 2017)."""
