"""Check that the monitor of a recipe can find something, and that it cannot start retrainings without end."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.gate_checks import scoring_of
from pipeline.recipe.schedule import asset_uri

if TYPE_CHECKING:
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe


def monitor_problem(recipe: Recipe) -> Problem:
    """What is wrong with the section, if anything."""
    monitor, schedule = recipe.monitor, recipe.schedule
    uri = asset_uri(f"{recipe.name}/drift")
    starts_itself = schedule is not None and schedule.assets is not None and uri in schedule.assets.uris
    if monitor is None:
        return (
            (f"the schedule has {uri}, which nothing updates", "a section monitor", "add it, or change the schedule")
            if starts_itself
            else None
        )
    if monitor.drift is None and monitor.labelled is None and monitor.data_days is None and monitor.champion_days is None:
        return "monitor looks at nothing", "drift, labelled, data_days or champion_days", "add one of them, or remove monitor"
    if monitor.drift and monitor.drift.least > monitor.drift.window:
        drift = monitor.drift
        return f"monitor.drift.least {drift.least} is above monitor.drift.window {drift.window}", "", "change one of them"
    if starts_itself and not monitor.cool_down_days:
        got = f"monitor.cool_down_days 0 with a schedule on {uri}: each retraining could start the next one"
        return got, "more than 0 days", "set monitor.cool_down_days"
    return None


def labelled_problem(recipe: Recipe) -> Problem:
    """What is wrong with the thresholds of the fresh labelled data, if anything; its source is checked as ``data.source`` is."""
    labelled, scoring = recipe.monitor.labelled if recipe.monitor else None, scoring_of(recipe)
    if labelled is None or scoring is None:
        return None
    field, task = "monitor.labelled", f"task {recipe.task.kind!r}"
    if labelled.threshold is None and labelled.max_drop is None:
        return f"{field} asks nothing of the score", "threshold, max_drop or both", "add one of them"
    metrics = (*scoring.metrics, *(recipe.evaluation.metrics or ()))
    name = labelled.metric or scoring.primary
    if name not in metrics:
        near = get_close_matches(name, metrics, n=1)
        fix = f"did you mean {near[0]!r}?" if near else "change it, or add it to evaluation.metrics"
        return f"{field}.metric {name!r} is no metric of {task}", f"one of: {', '.join(metrics)}", fix
    metric = load_metric(name)
    for limit, value in (("threshold", labelled.threshold), ("max_drop", labelled.max_drop)):
        if metric.percent and value is not None and not 0 < value <= 100:
            return f"{field}.{limit} {value:g} with {name}, which goes from 0 to 100", "above 0, and at most 100", "correct it"
    if labelled.least > recipe.evaluation.examples:
        got = f"{field}.least {labelled.least} is above evaluation.examples {recipe.evaluation.examples}, so nothing can be decided"
        return got, "", "change one of them"
    return None
