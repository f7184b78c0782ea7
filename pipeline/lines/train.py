"""The lines that make a model, the product on one screen: which step takes what from which."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.lines.steps import Emit
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pipeline.lines.steps import Origin, Step, Steps
    from pipeline.recipe import Recipe


class Learned(NamedTuple):
    """What training made."""

    corpus: Step
    start: Origin | None
    """The model that training started from; None for a new one."""

    model: Origin


def train(step: Steps, recipe: Recipe) -> None:
    """From a source of text to a decision about the champion."""
    corpus, start, model = learn(step, recipe)
    report = step("evaluation", recipe.task, recipe.evaluation, corpus=corpus, model=model, base=start)
    name = recipe.registration.model
    champion_report = step(
        "evaluation", recipe.task, recipe.evaluation, step_id="champion_evaluation", corpus=corpus, model=step.champion(name)
    )
    step(
        "registration",
        recipe.registration,
        model=model,
        report=report,
        champion_report=champion_report,
        registers=name,
        emits=(Emit("promotion", Outcome.PROMOTED), Emit("proposal", Outcome.PROPOSED)),
    )


def learn(step: Steps, recipe: Recipe) -> Learned:
    """From a source of text to a trained model; all that a trial of an experiment does."""
    source = step.pin(recipe.data.source)
    corpus = step("ingestion", recipe.data, recipe.task, source=source, emits=(Emit("corpus"),))
    start = step.start(recipe.model.start, recipe.tokenizer.words)
    shape = recipe.model.without_start()
    tokens = step("tokenization", recipe.tokenizer, recipe.task, corpus=corpus, base=start)
    tuning, result = recipe.finetuning, (Emit("model"),)
    model = start
    if recipe.pretraining:
        task, emits = (None, ()) if tuning else (recipe.task, result)
        model = step("pretraining", shape, recipe.pretraining, task, tokens=tokens, base=start, emits=emits)
    if tuning:
        judged = corpus if tuning.stop_on else None
        model = step("finetuning", shape, recipe.task, tuning, tokens=tokens, base=model, corpus=judged, emits=result)
    assert model is not None  # noqa: S101 - a recipe trains: `pipeline.recipe.checks`
    return Learned(corpus, start, model)
