"""The base of every section of a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen, refuses unknown fields, and takes each field's docstring as its description in the generated schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
