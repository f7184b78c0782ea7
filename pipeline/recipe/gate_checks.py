"""Check that the gate of a recipe can decide: what it names is in the report, and its slices can exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe.names import UNTRAINED

if TYPE_CHECKING:
    from pipeline.evaluation.scoring import Scoring
    from pipeline.recipe.gate import NoWorse
    from pipeline.recipe.recipe import Recipe

Problem = tuple[str, str, str] | None
"""What was found, what was expected, and how to fix it; None if nothing is wrong."""

RULES = "registration.gate.no_worse"


def scoring_of(recipe: Recipe) -> Scoring | None:
    """How the task is scored; None for a task that says nothing about it."""
    parts = recipe.task.parts()
    return parts.load("scoring")(recipe.task) if "scoring" in parts else None


def has_groups(recipe: Recipe) -> bool:
    """Whether the documents have groups."""
    return any(part.source.kind == "text" or part.source.row_columns.group for part in recipe.data.parts)


def gate_examples(recipe: Recipe) -> Problem:
    """Enough examples are scored."""
    scored, needed = recipe.evaluation.examples, recipe.registration.gate.min_examples
    if scored >= needed:
        return None
    got = f"evaluation.examples {scored} is below registration.gate.min_examples {needed}, so no model can be promoted"
    return got, "", "raise evaluation.examples, or lower registration.gate.min_examples"


def gate_scores(recipe: Recipe) -> Problem:
    """The gate reads scores of the report: those of the task, and those that the recipe adds."""
    gate, scoring = recipe.registration.gate, scoring_of(recipe)
    if scoring is None:
        return None
    task, metrics = f"task {recipe.task.kind!r}", (*scoring.metrics, *(recipe.evaluation.metrics or ()))
    named = [("metric", gate.metric), *((f"no_worse.{place}.metric", rule.metric) for place, rule in enumerate(gate.no_worse or ()))]
    for field, name in named:
        if name and name not in metrics:
            got = f"registration.gate.{field} {name!r} is no metric of {task}"
            return got, f"one of: {', '.join(metrics)}", "change it, or add it to evaluation.metrics"
    systems = (*scoring.baselines, UNTRAINED)
    for name in gate.beats or ():
        if name not in systems:
            return f"registration.gate.beats names {name!r}, no baseline of {task}", f"some of: {', '.join(systems)}", "change it"
    if gate.min_distinct is not None and not scoring.written:
        return f"registration.gate.min_distinct with {task}, which writes no text", "", "remove it"
    return None


def gate_rules(recipe: Recipe) -> Problem:
    """The slices of the gate can exist, and no rule is there twice."""
    rules = recipe.registration.gate.no_worse or ()
    seen: list[tuple[object, object]] = []
    for place, rule in enumerate(rules):
        found = _slice_problem(recipe, rule, f"{RULES}.{place}")
        if found:
            return found
        question = (rule.metric or recipe.registration.gate.metric, rule.slice)
        if question in seen:
            return f"{RULES}.{place} asks the same as an earlier rule", "", "remove one of them"
        seen.append(question)
    return None


def _slice_problem(recipe: Recipe, rule: NoWorse, field: str) -> Problem:
    """What is wrong with the slice of one rule."""
    part = rule.slice
    if part is None:
        return None
    if part.group is None and part.reference is None:
        return f"{field}.slice names no examples", "group, reference or both", "add one of them, or remove slice"
    if part.group and not has_groups(recipe):
        got = f"{field}.slice.group, but the documents have no group"
        return got, "the field that names it", "set data.source.columns.group, or remove the slice"
    scoring = scoring_of(recipe)
    if not part.reference or scoring is None:
        return None
    if scoring.answers != "label":
        got = f"{field}.slice.reference with answers of kind {scoring.answers}"
        return got, "a task that answers with one class", "use slice.group, or remove the slice"
    classes: tuple[str, ...] | None = getattr(recipe.task, "labels", None)
    unknown = [name for name in part.reference if classes and name not in classes]
    if classes and unknown:
        return f"{field}.slice.reference names {unknown[0]!r}, no class of the task", f"some of: {', '.join(classes)}", "correct it"
    return None
