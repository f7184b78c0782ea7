"""The model: built from scratch, or started from given weights."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipeline.section import Section

DEFAULT_CONTEXT = 128
"""Context where neither the recipe nor the base names one."""


class Model(Section):
    """Family and configuration of a new model, or the weights to start from; part of the params of every step that trains."""

    family: str | None = None
    """A new model: any ``model_type`` of transformers that handles text, e.g. ``bert``, ``gpt2``, ``llama``, ``t5``, or ``t5_copy``."""

    config: dict[str, Any] = {}
    """A new model: fields of the family's configuration in transformers, e.g. ``hidden_size`` and ``num_hidden_layers`` of ``bert``."""

    start: str | None = None
    """Given weights: a folder, a GGUF file, ``s3://bucket/prefix``, ``package:name==version``, ``hub:name@revision`` or ``models:/name@champion``. A relative path starts at the checkout."""

    context: int | None = Field(None, ge=8)
    """Longest sequence, in tokens; without one, 128 for a new model and the base's own limit otherwise."""

    def without_start(self) -> Model:
        """The same without the address of given weights: a step that gets these as an input is the same step wherever they come from."""
        return self.model_copy(update={"start": None})
