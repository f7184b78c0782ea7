"""Check what the fields of a recipe must satisfy together, so that a run fails before its first step and not after an hour.

Each check below is one rule that a step would otherwise find: lengths that do not fit, shares above 1, a task without targets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.families.families import families
from pipeline.families.kinds import Kind
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.cleaning import cleaning_problem
from pipeline.recipe.data import OWN_ROWS
from pipeline.recipe.decontamination import decontamination_problem, test_sources
from pipeline.recipe.deduplication import deduplication_problem
from pipeline.recipe.gate_checks import Problem, gate_examples, gate_rules, gate_scores, has_groups, scoring_of
from pipeline.recipe.model import DEFAULT_CONTEXT
from pipeline.recipe.monitor_checks import labelled_problem, monitor_problem
from pipeline.recipe.notify_checks import reminder_problem
from pipeline.recipe.partitions import partitions_problem
from pipeline.recipe.quality import quality_problem
from pipeline.recipe.schedule import schedule_problem
from pipeline.recipe.source_checks import source_problem
from pipeline.recipe.sources_checks import for_each, for_some, sources_problem
from pipeline.recipe.start import address_problem, champion_of
from pipeline.recipe.tokenizer_checks import tokenizer_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.recipe.data import Source
    from pipeline.recipe.recipe import Recipe

OBJECTIVES = {
    "span_corruption": Kind.ENCODER_DECODER,
    "prefix_lm": Kind.ENCODER_DECODER,
    "causal_lm": Kind.DECODER,
    "masked_lm": Kind.ENCODER,
    "skip_gram": Kind.STATIC,
}
"""Objective → the kind of model it trains."""

SPECIAL_TOKENS = 6
"""Padding, end, beginning, unknown, separator and mask: tokens that every tokenizer trained here has."""

BYTES = 256


def check_consistency(recipe: Recipe, origin: str) -> None:
    """Apply every check.

    Args:
        recipe: the recipe; its names exist.
        origin: its name in messages.

    Raises:
        BadInput: the first check that fails.
    """
    for check in CHECKS:
        problem = check(recipe)
        if problem:
            got, expected, fix = problem
            raise BadInput(f"{origin}: {got}", expected, fix)


def _schedule(recipe: Recipe) -> Problem:
    return schedule_problem(recipe.name, recipe.schedule)


def _model(recipe: Recipe) -> Problem:
    model = recipe.model
    if (model.family is None) == (model.start is None):
        got = "model has both family and start" if model.family else "model has neither family nor start"
        return got, "a family for a new model, or a start for given weights", "keep one of them"
    words = recipe.tokenizer.words or ()
    if words and (model.start is None or champion_of(model.start)):
        got = (
            "tokenizer.words with a new model"
            if model.start is None
            else "tokenizer.words with a champion, which has those of its first base"
        )
        return got, "model.start with weights to import", "remove tokenizer.words"
    if any(not word.strip() or word.split() != [word] for word in words):
        return f"tokenizer.words {list(words)!r}", "single words", "remove what is empty or holds white space"
    if model.start is None:
        return None
    wanted = address_problem(model.start)
    if wanted:
        return f"model.start {model.start!r}", wanted, "correct model.start"
    if model.config:
        return "model.config with model.start", "", "remove model.config: the base has its own"
    if recipe.tokenizer.given:
        return "tokenizer.given with model.start", "", "remove tokenizer.given: the base has its own tokenizer"
    return None


def _objective(recipe: Recipe) -> Problem:
    kind = _kind(recipe)
    if recipe.pretraining is None or kind is None:
        return None
    wanted = OBJECTIVES.get(recipe.pretraining.objective)
    if wanted is None or wanted is kind:
        return None
    got = f"pretraining.objective {recipe.pretraining.objective!r} with model.family {recipe.model.family!r}, {kind.phrase}"
    return got, wanted.phrase, "change one of them"


def _training(recipe: Recipe) -> Problem:
    task, pretraining = recipe.task, recipe.pretraining
    if recipe.finetuning:
        return (
            None if task.finetuned else (f"task {task.kind!r} with finetuning", "", "remove finetuning: the pretrained model is the result")
        )
    if not task.pretrained:
        return f"task {task.kind!r} without finetuning", "", "add finetuning to the recipe"
    if pretraining is None:
        both = "pretraining or finetuning" if task.finetuned else "pretraining"
        return f"task {task.kind!r} without {both}", "", f"add {both} to the recipe"
    trained = OBJECTIVES.get(pretraining.objective)
    if trained is None or trained in task.kinds():
        return None
    got = f"pretraining.objective {pretraining.objective!r} for task {task.kind!r} trains {trained.phrase}"
    return got, " or ".join(kind.phrase for kind in task.kinds()), "change the objective and the model"


def _task(recipe: Recipe) -> Problem:
    kind, task = _kind(recipe), recipe.task
    if kind is None:
        return None
    if kind not in task.kinds():
        got = f"task {task.kind!r} with model.family {recipe.model.family!r}, {kind.phrase}"
        return got, " or ".join(one.phrase for one in task.kinds()), "change one of them"
    needed, context = task.longest(kind), recipe.model.context or DEFAULT_CONTEXT
    if needed <= context:
        return None
    return (
        f"model.context {context} is too short for the task's longest sequence",
        f"at least {needed} tokens",
        "raise model.context, or lower the limits in task",
    )


def _section(recipe: Recipe) -> Problem:
    return recipe.task.problem(recipe.data.single_source)


def _source(recipe: Recipe) -> Problem:
    return source_problem(recipe.data.single_source)


def _kind(recipe: Recipe) -> Kind | None:
    """The kind of a new model; None for given weights and families of installed packages, which are looked at when they are loaded."""
    found = families().get(recipe.model.family or "")
    return found.kind if found else None


def _vocabulary(recipe: Recipe) -> Problem:
    tokenizer = recipe.tokenizer
    letters = 0 if tokenizer.kind == "words" else BYTES
    languages = len(recipe.task.language_tokens.every)
    needed = letters + SPECIAL_TOKENS + tokenizer.sentinels + languages
    if tokenizer.given and not tokenizer.given_sha256:
        return "tokenizer.given has no tokenizer.given_sha256", "the sha256 of that file", "run sha256sum on it, and add the result"
    if tokenizer.given or tokenizer.vocabulary >= needed:
        return None
    got = f"tokenizer.vocabulary {tokenizer.vocabulary} is too small"
    parts = [
        f"{letters} {'letters' if tokenizer.kind == 'wordpiece' else 'bytes'}",
        f"{SPECIAL_TOKENS} special tokens",
        f"{tokenizer.sentinels} sentinels",
    ]
    parts += [f"{languages} languages"] if languages else []
    return got, f"at least {needed}: {', '.join(parts[:-1])} and {parts[-1]}", "raise it"


def _sentinels(recipe: Recipe) -> Problem:
    params = recipe.pretraining
    if params is None or params.objective != "span_corruption" or recipe.model.start:
        return None
    context = recipe.model.context or DEFAULT_CONTEXT
    masked = min(max(round(context * params.corrupted), 1), context - 1)
    spans = max(1, min(round(masked / params.mean_span), context - masked))
    if spans <= recipe.tokenizer.sentinels:
        return None
    got = f"tokenizer.sentinels {recipe.tokenizer.sentinels} for {spans} masked spans in model.context {context}"
    return got, f"at least {spans}", "raise tokenizer.sentinels"


def _whole_words(recipe: Recipe) -> Problem:
    params = recipe.pretraining
    if params is None or not params.whole_words or params.objective not in OBJECTIVES or OBJECTIVES[params.objective] is Kind.ENCODER:
        return None
    got = f"pretraining.whole_words with pretraining.objective {params.objective!r}, which masks no words"
    return got, "masked_lm", "remove it, or change the objective"


def _learning_rate_schedule(recipe: Recipe) -> Problem:
    for name, params in (("pretraining", recipe.pretraining), ("finetuning", recipe.finetuning)):
        if params and params.warmup + params.decay > 1:
            got = f"{name}.warmup {params.warmup} and {name}.decay {params.decay} add up to more than 1"
            return got, "shares of the steps", "lower one of them"
    return None


def _until(recipe: Recipe) -> Problem:
    for name, params in (("pretraining", recipe.pretraining), ("finetuning", recipe.finetuning)):
        if params is None or params.until is None:
            continue
        if params.until >= params.steps:
            return f"{name}.until {params.until} is not below {name}.steps {params.steps}", "", f"remove {name}.until, or lower it"
        if params.until % params.evaluate_every:
            got = f"{name}.until {params.until} is no multiple of {name}.evaluate_every {params.evaluate_every}"
            return got, "a step with a validation, so that a longer run makes the same ones", "change one of them"
    return None


def _lengths(recipe: Recipe) -> Problem:
    limits = recipe.data.filter
    if limits.min_chars > limits.max_chars:
        return f"data.filter.min_chars {limits.min_chars} is above data.filter.max_chars {limits.max_chars}", "", "change one of them"
    for low, high in recipe.task.ranges:
        least, most = getattr(recipe.task, low), getattr(recipe.task, high)
        if least > most:
            return f"task.{low} {least} is above task.{high} {most}", "", "change one of them"
    return None


def _path(recipe: Recipe) -> Problem:
    source = recipe.data.single_source
    fields, _ = OWN_ROWS.get(source.kind, ((), None))
    unknown = [name for name in vars(source.row_columns).values() if fields and name is not None and name not in fields]
    if unknown:
        got = f"data.source.columns names {unknown[0]!r}, which {source.kind} does not have"
        return got, f"one of: {', '.join(fields)}", "correct data.source.columns"
    if source.kind == "pydocs":
        return None if source.path is None else ("data.source.path with kind 'pydocs'", "", "remove the path, or change data.source.kind")
    if source.kind == "catalogue":
        return _catalogue(source)
    if not source.path and source.kind != "sql":
        return f"data.source has no path for kind {source.kind!r}", "a path, a glob or s3://bucket/prefix", "add data.source.path"
    return None


def _catalogue(source: Source) -> Problem:
    if bool(source.path) == bool(source.packages):
        got = "data.source has both path and packages" if source.path else "data.source has neither path nor packages"
        return f"{got} for kind 'catalogue'", "a folder of catalogues, or packages that carry some", "keep one of them"
    languages = source.languages or ()
    spelled = {language.replace("-", "_").lower() for language in languages}
    if not languages or len(spelled) < len(languages):
        got = f"data.source.languages {list(languages)}" if languages else "data.source has no languages for kind 'catalogue'"
        return got, "the language of the texts, then those of the targets, e.g. [en, de]", "correct data.source.languages"
    return None


def _pair(recipe: Recipe) -> Problem:
    columns = recipe.data.single_source.row_columns
    if not recipe.task.needs_pair or columns.pair or columns.target:
        return None
    got = f"task.kind {recipe.task.kind!r} needs a second text"
    return got, "the field that holds it", "set data.source.columns.pair, or data.source.columns.target"


def _target(recipe: Recipe) -> Problem:
    source = recipe.data.single_source
    got = f"task.kind {recipe.task.kind!r} needs a target"
    if recipe.task.needs_target and source.kind == "text":
        return f"{got}; data.source.kind 'text' has none", "records with fields: jsonl, csv or parquet", "change data.source.kind"
    if not recipe.task.needs_target or source.row_columns.target:
        return None
    return got, "the field that holds the answer", "set data.source.columns.target"


def _image(recipe: Recipe) -> Problem:
    source, task = recipe.data.single_source, recipe.task
    if task.reads_images and source.row_columns.image is None:
        got = f"task.kind {task.kind!r} needs an image"
        return got, "kind images, or the field that holds it", "set data.source.columns.image, or change data.source.kind"
    return None if task.reads_images else _no_image(recipe)


def _no_image(recipe: Recipe) -> Problem:
    source = recipe.data.single_source
    if source.row_columns.image is None:
        return None
    field = "kind 'images'" if source.kind == "images" else f"columns.image {source.columns.image!r}"
    return f"data.source has {field}, which nothing reads", "a task that reads images, e.g. captioning", "change it, or task.kind"


def _group(recipe: Recipe) -> Problem:
    if recipe.data.split.by != "group" or has_groups(recipe):
        return None
    return "data.split.by 'group' without a group", "the field that names it", "set data.source.columns.group"


def _metrics(recipe: Recipe) -> Problem:
    scoring = scoring_of(recipe)
    for name in recipe.evaluation.metrics or ():
        kinds = load_metric(name).answers
        if scoring and scoring.answers not in kinds:
            got = f"evaluation.metrics names {name!r}, but the answers of task {recipe.task.kind!r} are of kind {scoring.answers}"
            return got, f"a metric of such answers; {name} is for {', '.join(sorted(kinds))}", "remove it"
    return None


def _stop_on(recipe: Recipe) -> Problem:
    """Early stopping may look at any metric that compares the task's answers."""
    params, scoring = recipe.finetuning, scoring_of(recipe)
    if params is None or scoring is None:
        return None
    if params.stop_on is None:
        got = f"finetuning.stop_examples {params.stop_examples} without finetuning.stop_on"
        return (got, "", "name a metric, or remove it") if params.stop_examples else None
    if params.stop_on == "loss":
        return "finetuning.stop_on 'loss'", "a metric", "remove it: without it the validation loss decides"
    if scoring.answers in load_metric(params.stop_on).answers:
        return None
    got = f"finetuning.stop_on {params.stop_on!r} is no metric for the answers of task {recipe.task.kind!r}"
    return got, f"one of: {', '.join(name for name in scoring.metrics if name != 'loss')}, or another metric of such answers", "change it"


WITH_TARGET = frozenset({"monitor.labelled.source", "data.test_source"})
"""Further sources whose records are tested, so that they need what the task needs."""


def _other_sources(recipe: Recipe) -> Problem:
    """Other sources pass the checks that ``data.source`` passes. A benchmark and the reference of the quality filter need no target."""
    data, labelled = recipe.data, recipe.monitor.labelled if recipe.monitor else None
    others = [("monitor.labelled.source", labelled.source)] if labelled else []
    others += [*test_sources(data), *([("data.quality.like", data.quality.like)] if data.quality else [])]
    for field, source in others:
        other = recipe.model_copy(update={"data": data.model_copy(update={"source": source, "sources": None})})
        for check in (_path, _source, *((_section, _target, _pair, _image) if field in WITH_TARGET else (_no_image,))):
            found = check(other)
            if found:
                got, expected, fix = (part.replace("data.source", field) for part in found)
                return got, expected, fix
    return None


CHECKS: tuple[Callable[[Recipe], Problem], ...] = (
    sources_problem,
    _schedule,
    _model,
    _objective,
    _task,
    for_each(_section),
    for_each(_image),
    _training,
    tokenizer_problem,
    _vocabulary,
    _sentinels,
    _whole_words,
    _learning_rate_schedule,
    _until,
    _lengths,
    cleaning_problem,
    quality_problem,
    for_each(_path),
    for_each(_source),
    for_each(partitions_problem),
    decontamination_problem,
    deduplication_problem,
    _other_sources,
    for_some(_target),
    for_some(_pair),
    _group,
    gate_examples,
    _metrics,
    _stop_on,
    gate_scores,
    gate_rules,
    monitor_problem,
    labelled_problem,
    reminder_problem,
)
