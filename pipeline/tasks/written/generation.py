"""The recipe's generation settings under transformers' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.tasks.section import Generation


def generation_arguments(settings: Generation) -> dict[str, Any]:
    """Arguments of transformers' ``GenerationConfig``."""
    given = settings.model_dump(exclude_none=True)
    return {"num_beams": given.pop("beams"), "do_sample": given.pop("sample"), **given}
