"""The lines that make a model, the product on one screen: which step takes what from which.

A recipe may ask for several training seeds (`registration.gate.seeds`). Then everything that trains runs once for each, pretraining too: a shared
one would hide the chance in it, and the gate's stated error would not hold. Corpus, tokens and given weights have no seed and are shared.
The model of the first seed is registered. It is the one that the recipe trains without further seeds, and no score chose it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.component import numbered
from pipeline.lines.benchmarks import benchmarks
from pipeline.lines.names import names_model
from pipeline.lines.quality import quality
from pipeline.lines.steps import Emit, LearnedCorpusInput, PreviousCorpusInput
from pipeline.recipe.data_checks import CHAMPION, PREVIOUS
from pipeline.recipe.decontamination import without_test_texts
from pipeline.recipe.workers import shares
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pipeline.lines.steps import Origin, Step, Steps
    from pipeline.recipe import Recipe
    from pipeline.recipe.training import Finetuning, Pretraining


class Prepared(NamedTuple):
    """What training reads."""

    corpus: Step
    tokens: Step

    checked: Step | None
    """The check of the corpus, after which everything else comes; None for a recipe without checks."""

    start: Origin | None
    """The model that training starts from; None for a new one."""


def train(step: Steps, recipe: Recipe) -> None:
    """From a source of text to a decision about the champion."""
    prepared = prepare(step, recipe)
    corpus, checked, name = prepared.corpus, prepared.checked, recipe.registration.model
    seeds = range(1, (recipe.registration.gate.seeds or 1) + 1)
    models = [fit(step, recipe, prepared, seed) for seed in seeds]
    task, evaluation = recipe.task, recipe.evaluation
    reports = [
        step(
            "evaluation",
            task,
            evaluation,
            step_id=numbered("evaluation", seed),
            corpus=corpus,
            model=model,
            base=prepared.start,
            checked=checked,
        )
        for seed, model in zip(seeds, models, strict=True)
    ]
    champion_reports = [
        step(
            "evaluation",
            task,
            evaluation,
            step_id=numbered("champion_evaluation", seed),
            corpus=corpus,
            model=step.champion(name, seed),
            checked=checked,
        )
        for seed in seeds
    ]
    step(
        "registration",
        recipe.registration,
        model=models[0],
        report=reports,
        champion_report=champion_reports,
        registers=name,
        emits=(Emit("promotion", Outcome.PROMOTED), Emit("proposal", Outcome.PROPOSED)),
    )


def learn(step: Steps, recipe: Recipe) -> Origin:
    """From a source of text to a trained model; all that a trial of an experiment does."""
    return fit(step, recipe, prepare(step, recipe))


def prepare(step: Steps, recipe: Recipe) -> Prepared:
    """From a source of text to tokens."""
    source = step.pin(recipe.data.origin)
    judge, names, cleaning = quality(step, recipe), names_model(step, recipe), without_test_texts(recipe.data.for_cleaning())
    cleaned = [
        step(
            "cleaning",
            cleaning,
            recipe.task,
            share,
            step_id=numbered("cleaning", share.number),
            source=source,
            quality=judge,
            names=names,
        )
        for share in shares(recipe.workers.cleaning if recipe.workers else None)
    ]
    tests = benchmarks(step, recipe, names)
    corpus = step(
        "ingestion",
        recipe.data.for_ingestion(),
        recipe.task,
        source=source,
        cleaned=cleaned,
        quality=judge,
        names=names,
        test_set=tests.test_set,
        against=tests.against,
        emits=(Emit("corpus"),),
    )
    checked = check(step, recipe, corpus)
    start = step.start(recipe.model.start, recipe.tokenizer.words)
    return Prepared(corpus, tokenize(step, recipe, corpus, start, checked), checked, start)


def tokenize(step: Steps, recipe: Recipe, corpus: Step, start: Origin | None, checked: Step | None) -> Step:
    """From a corpus to tokens. Where several machines share it, the tokenizer comes first: each of them encodes with it."""
    encoders, weights = shares(recipe.workers.tokenization if recipe.workers else None), recipe.data.weights
    tokenizer = step("tokenizer", recipe.tokenizer, recipe.task, corpus=corpus, base=start, checked=checked) if encoders else None
    encoded = [
        step("encoding", recipe.task, weights, share, step_id=numbered("encoding", share.number), corpus=corpus, tokenizer=tokenizer)
        for share in encoders
    ]
    return step(
        "tokenization",
        recipe.tokenizer,
        recipe.task,
        weights,
        corpus=corpus,
        base=start,
        previous=step.champion(recipe.registration.model),
        checked=checked,
        tokenizer=tokenizer,
        encoded=encoded,
    )


def check(step: Steps, recipe: Recipe, corpus: Step) -> Step | None:
    """The check of a corpus, compared with those that its rules name."""
    checks = recipe.data.checks
    if checks is None:
        return None
    previous = PreviousCorpusInput(recipe.name, corpus.id) if PREVIOUS in checks.compares else None
    champion = LearnedCorpusInput(recipe.registration.model, needed=False) if CHAMPION in checks.compares else None
    return step("data_check", checks, corpus=corpus, previous=previous, champion=champion)


def fit(step: Steps, recipe: Recipe, prepared: Prepared, seed: int = 1) -> Origin:
    """From tokens to the model of one training seed; further ones, from 2, differ from the first in nothing else."""
    corpus, tokens, _, start = prepared
    shape, tuning, result = recipe.model.without_start(), recipe.finetuning, (Emit("model"),) if seed == 1 else ()
    model = start
    if recipe.pretraining:
        task, emits = (None, ()) if tuning else (recipe.task, result)
        params, step_id = _seeded(recipe.pretraining, seed), numbered("pretraining", seed)
        model = step("pretraining", shape, params, task, step_id=step_id, tokens=tokens, base=start, emits=emits)
    if tuning:
        judged, params, step_id = corpus if tuning.stop_on else None, _seeded(tuning, seed), numbered("finetuning", seed)
        model = step("finetuning", shape, recipe.task, params, step_id=step_id, tokens=tokens, base=model, corpus=judged, emits=result)
    assert model is not None  # noqa: S101 - a recipe trains: `pipeline.recipe.checks`
    return model


def _seeded(params: Pretraining | Finetuning, seed: int) -> Pretraining | Finetuning:
    """The params of one training seed: the recipe's for the first, and the numbers after its seed for the others."""
    return params if seed == 1 else params.model_copy(update={"seed": params.seed + seed - 1})
