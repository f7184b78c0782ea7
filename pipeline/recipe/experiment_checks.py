"""Check the experiment of a recipe when its file is read: every field can be searched, every value can be had, trials can be compared.

What only fails together, such as a warm-up and a decay that are both long, is found when a trial is asked for: that trial fails.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.gate_checks import scoring_of
from pipeline.recipe.overrides import OVERRIDABLE, overridable, replaced
from pipeline.recipe.recipe import Recipe, parse_recipe

if TYPE_CHECKING:
    from pipeline.recipe.experiment import Domain, Experiment, Scalar
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.training import Training

LOSS = "loss"
"""The objective that every training has."""

FIELD = "experiment.search"
MOST_COMBINATIONS = 10_000
"""Of a grid."""

JUDGES = frozenset({"stop_on", "stop_examples", "until"})
"""Fields of a training that say how it is judged or where a trial stops."""

RUNGS = frozenset({"steps", "evaluate_every"})
"""Fields of a training that the rungs of successive halving rely on."""

QUESTIONS = frozenset({"objective", "corrupted", "mean_span", "whole_words", "window"})
"""Fields of pretraining that decide what its own loss is about."""


def check_experiment(recipe: Recipe, origin: str) -> None:
    """Apply every check to ``recipe.experiment``.

    Args:
        recipe: the recipe, which has one.
        origin: its name in messages.

    Raises:
        BadInput: the first check that fails.
    """
    experiment = recipe.experiment
    assert experiment is not None  # noqa: S101 - the caller looked
    if not experiment.search:
        raise BadInput(f"{origin}: {FIELD} is empty", "a field and its values", "add e.g. finetuning.learning_rate: {values: [0.01, 0.03]}")
    for field, domain in experiment.search.items():
        _check_field(recipe, field, domain, origin)
    for check in (_trials, _objective, _comparable, _halving):
        problem = check(recipe, experiment)
        if problem:
            got, expected, fix = problem
            raise BadInput(f"{origin}: {got}", expected, fix)


def judged_training(recipe: Recipe) -> tuple[str, Training]:
    """Name and section of the training whose validation judges a trial: the last one."""
    name = "finetuning" if recipe.finetuning else "pretraining"
    training: Training = getattr(recipe, name)
    return name, training


def objective_of(recipe: Recipe) -> tuple[str, bool]:
    """The name of what trials are compared by, and whether higher is better."""
    stop_on = recipe.finetuning.stop_on if recipe.finetuning else None
    name = (recipe.experiment.objective if recipe.experiment else None) or stop_on or LOSS
    return name, name != LOSS and load_metric(name).higher_is_better


def grid_values(domain: Domain, *, whole: bool) -> tuple[Scalar, ...]:
    """The values of a domain that is listed, or has a step, in order."""
    if domain.values is not None:
        return domain.values
    (low, high), step = ends(domain, whole=whole), domain.step
    assert step is not None  # noqa: S101 - `_trials` looked
    found = (low + index * step for index in range(int((high - low) / step + 1e-9) + 1))
    return tuple(int(value) if whole else float(value) for value in found)


def ends(domain: Domain, *, whole: bool) -> tuple[float, float]:
    """The smallest and the largest number of a range."""
    assert domain.low is not None  # noqa: S101 - `_shape` looked
    assert domain.high is not None  # noqa: S101
    return (int(domain.low), int(domain.high)) if whole else (domain.low, domain.high)


def is_whole(recipe: Recipe, field: str, domain: Domain) -> bool:
    """Whether the numbers of a range are whole: its limits are, and the recipe's own value is not a decimal number."""
    own: Any = recipe
    for part in field.split("."):
        own = own.get(part) if isinstance(own, dict) else getattr(own, part, None)
    limits = (domain.low, domain.high, domain.step)
    return not isinstance(own, float) and all(limit is None or limit.is_integer() for limit in limits)


def _check_field(recipe: Recipe, field: str, domain: Domain, origin: str) -> None:
    """Check one field of the space, and each of its values alone."""
    place = f"{origin}: {FIELD}"
    if field.partition(".")[0] in Recipe.model_fields and not overridable(field):
        raise BadInput(f"{place} has {field}, which a run cannot change", f"a field of {', '.join(OVERRIDABLE[:-1])}", "remove it")
    section, _, leaf = field.rpartition(".")
    rungs = recipe.experiment is not None and recipe.experiment.halving is not None and section == judged_training(recipe)[0]
    if field.startswith("resources.") or leaf in JUDGES or (rungs and leaf in RUNGS):
        why = "which changes no result" if field.startswith("resources.") else "which decides how trials are compared"
        raise BadInput(f"{place} has {field}, {why}", "a field that makes another model", "remove it")
    problem = _shape(domain)
    if problem:
        raise BadInput(f"{place}.{field}: {problem}", "values: [...], or low and high", "correct it")
    for value in domain.values if domain.values is not None else ends(domain, whole=is_whole(recipe, field, domain)):
        parse_recipe(replaced(recipe, {field: value}, place), f"{place}.{field}")


def _shape(domain: Domain) -> str:
    """What is wrong with a domain by itself; empty if nothing is."""
    low, high = domain.low, domain.high
    if domain.values is not None:
        if (low, high, domain.step) != (None, None, None) or domain.log:
            return "both values and a range"
        if not domain.values:
            return "no values"
        return "a value twice" if len({(type(value), value) for value in domain.values}) < len(domain.values) else ""
    if low is None or high is None:
        return "neither values nor low and high"
    if low >= high:
        return f"low {low:g} is not below high {high:g}"
    if domain.log and (low <= 0 or domain.step is not None):
        return "log with a step" if domain.step is not None else f"log with low {low:g}, which is not above 0"
    return f"step {domain.step:g} is wider than the range" if domain.step is not None and domain.step > high - low else ""


def _trials(recipe: Recipe, experiment: Experiment) -> Problem:
    """A grid has a number of trials of its own; the other methods need one."""
    if experiment.method != "grid":
        got = f"experiment.method {experiment.method!r} without experiment.trials"
        return None if experiment.trials else (got, "how many are tried", "add experiment.trials")
    for field, domain in experiment.search.items():
        if domain.values is None and domain.step is None:
            return f"{FIELD}.{field} has no step, and experiment.method is 'grid'", "values, or a step", "add one of them"
    sizes = [len(grid_values(domain, whole=is_whole(recipe, field, domain))) for field, domain in experiment.search.items()]
    if experiment.trials is not None:
        return (
            f"experiment.trials {experiment.trials} with a grid of {prod(sizes)}",
            "",
            "remove experiment.trials, or change experiment.method",
        )
    got = f"a grid of {prod(sizes)} combinations"
    return (
        (got, f"at most {MOST_COMBINATIONS}", "search fewer values, or change experiment.method")
        if prod(sizes) > MOST_COMBINATIONS
        else None
    )


def _objective(recipe: Recipe, experiment: Experiment) -> Problem:
    """The objective is measured while training: the loss, or the metric that early stopping looks at."""
    name, scoring = experiment.objective, scoring_of(recipe)
    stop_on = recipe.finetuning.stop_on if recipe.finetuning else None
    if name is None or name in {LOSS, stop_on}:
        return None
    own = tuple(one for one in (scoring.metrics if scoring else ()) if one != LOSS)
    if recipe.finetuning is None:
        return f"experiment.objective {name!r} without finetuning, which alone computes metrics", LOSS, "remove it"
    if name not in own and (scoring is None or _other_answers(name, scoring.answers)):
        got = f"experiment.objective {name!r} is no metric for the answers of task {recipe.task.kind!r}"
        return got, f"one of: {', '.join((LOSS, *own))}", "change it"
    got = f"experiment.objective {name!r} is not what finetuning.stop_on names ({stop_on or 'nothing'})"
    return got, "a metric that the training computes", f"set finetuning.stop_on: {name}, or remove experiment.objective"


def _other_answers(name: str, answers: str) -> bool:
    """Whether there is no metric of that name, or it compares other answers."""
    try:
        return answers not in load_metric(name).answers
    except BadInput:
        return True


def _comparable(recipe: Recipe, experiment: Experiment) -> Problem:
    """Losses are compared, so every trial has to be asked the same question."""
    if objective_of(recipe)[0] != LOSS:
        return None
    stage, scoring = judged_training(recipe)[0], scoring_of(recipe)
    for field in experiment.search:
        section, _, leaf = field.rpartition(".")
        reason = ""
        if field.startswith("tokenizer.") and (scoring is None or scoring.written or stage == "pretraining"):
            reason = "of other tokens"
        elif section == stage == "pretraining" and leaf in QUESTIONS:
            reason = "of another question"
        elif section == stage and leaf == "batch" and scoring is not None and not scoring.separable:
            reason = "among another number of texts"
        if reason:
            got = f"experiment compares losses, and {FIELD} has {field}: a loss {reason} is no better or worse"
            return got, "trials that can be compared", f"set finetuning.stop_on to a metric, or remove {field}"
    return None


def _halving(recipe: Recipe, experiment: Experiment) -> Problem:
    """The rungs lie within the training, at validations."""
    if experiment.halving is None:
        return None
    name, training = judged_training(recipe)
    rungs, steps, every = experiment.halving.rungs, training.steps, training.evaluate_every
    if len(rungs) >= steps or rungs[-1] >= steps:
        got = f"experiment.halving.rungs {list(rungs)} with {name}.steps {steps}"
        return got, f"rungs below {steps}", f"remove some, or raise {name}.steps"
    if any(later <= earlier for earlier, later in pairwise((0, *rungs))):
        return f"experiment.halving.rungs {list(rungs)} do not ascend from above 0", "", "sort them, each once"
    wrong = [rung for rung in rungs if rung % every]
    if wrong:
        got = f"experiment.halving.rungs has {wrong[0]}, no multiple of {name}.evaluate_every {every}"
        return got, "steps with a validation, so that a trial that goes on makes the same ones", "change one of them"
    return None
