"""The steps that train the filter of ``data.quality``: a sample of the reference, one of the source, and the classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe.data import Data, Split

if TYPE_CHECKING:
    from pipeline.lines.steps import Step, Steps
    from pipeline.recipe import Recipe

SALT = "sample"
"""A sample is not split, and does not depend on how the corpus is."""


def quality(step: Steps, recipe: Recipe) -> Step | None:
    """The step that trains the classifier; None for a recipe without the filter."""
    data, wanted = recipe.data, recipe.data.quality
    if wanted is None:
        return None
    own = data.for_cleaning()
    reference, sample = (
        step(
            "text_sample",
            Data(source=source, sources=sources, filter=data.filter, cleaning=data.cleaning_without_model, split=Split(salt=SALT)),
            recipe.task,
            step_id=step_id,
            source=step.pin(origin, field),
        )
        for step_id, source, sources, origin, field in (
            ("reference_sample", wanted.like, None, wanted.like, "data.quality.like"),
            ("text_sample", own.source, own.sources, data.origin, "data.source"),
        )
    )
    return step("quality", wanted.limit, reference=reference, sample=sample)
