"""The line that scores a champion on fresh labelled data; a recipe without such data has none of these steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lines.names import names_model
from pipeline.lines.steps import LearnedCorpusInput
from pipeline.recipe.decontamination import without_test_texts

if TYPE_CHECKING:
    from pipeline.lines.steps import Steps
    from pipeline.recipe import Recipe


def monitor(step: Steps, recipe: Recipe) -> None:
    """From a source of fresh labelled records to the report of the champion about them."""
    labelled, name = recipe.monitor.labelled if recipe.monitor else None, recipe.registration.model
    if labelled is None:
        return
    data = without_test_texts(recipe.data.for_ingestion()).model_copy(update={"source": labelled.source, "sources": None, "quality": None})
    corpus = step(
        "ingestion",
        data,
        recipe.task,
        source=step.pin(labelled.source, "monitor.labelled.source"),
        names=names_model(step, recipe),
        learned=LearnedCorpusInput(name),
    )
    step("evaluation", recipe.task, recipe.evaluation, corpus=corpus, model=step.champion(name))
