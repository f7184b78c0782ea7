"""The gate: whether a challenger is promoted. Pure arithmetic on statistics; it reads and writes nothing.

Without a champion, the thresholds of the recipe decide: the metric must reach the threshold, and the challenger must beat every gated
baseline. With a champion, the challenger must beat the champion on the same examples. "Beat" means: the interval of the paired
difference is above zero; the difference counts in the direction in which the metric is better. Groups of examples are the sample
(see `pipeline.metrics.paired_difference`).

The recipe may ask for more: a gain of some size, and that the challenger is no worse in further metrics or on slices of the
examples. "No worse" is non-inferiority: the interval of the difference is above minus the margin.

A recipe may ask for several training seeds. Then every score is the mean of the seeds' scores, and intervals include the chance of the seeds
(`pipeline.metrics.paired_difference`). One model serves, so it must also be ahead by itself, without an interval.

Test examples that the training text contains say nothing about other texts. If they are more than a small share, the model is refused, whatever
its scores (`pipeline.corpus.contamination`).

Every rule is a test at the same error probability, and all have to pass. So the chance to promote a model that should fail *any* of
them is at most that probability, without a correction for several rules (intersection-union test, Berger 1982, "Multiparameter hypothesis
testing and acceptance sampling"). `pipeline.registry.comparison` divides that probability among repeated comparisons.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, unknown_name
from pipeline.metrics.paired_difference import paired_difference
from pipeline.recipe.gate import MAX_CONTAMINATED
from pipeline.registry.comparison import share_of, show_confidence, whole_error
from pipeline.registry.findings import Findings, GateDecision
from pipeline.registry.scores import MODEL, Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.metrics.base import Metric
    from pipeline.metrics.paired_difference import PairedDifference
    from pipeline.recipe.gate import Gate, NoWorse, Slice
    from pipeline.registry.scores import Rows

CHAMPION = "champion"
MIN_DISTINCT = 0.8
"""Minimum share of distinct answers of tasks that write text, where the recipe names none."""

FIX = "fix: data.split.near_copies: drop, or raise registration.gate.max_contaminated"


def decide(gate: Gate, report: Scores, champion: Scores | None, alpha: float | None = None) -> GateDecision:
    """Apply the rules of ``gate``.

    Args:
        gate: the recipe's rules.
        report: the challenger's scores.
        champion: the champion's scores on the same examples; None when there is no champion.
        alpha: the probability with which this decision may promote a challenger that is no better; by default that of the first
            comparison on a test set.

    Raises:
        BadInput: the gate names a metric or baseline the report does not have, or the reports cannot be paired.
    """
    metric, findings = _metric(gate.metric, report), Findings()
    own = _statistics(report, MODEL, metric.name)
    _check_sizes(gate, report, findings)
    if not report.ids:
        return findings.decision()
    findings.figures[metric.name] = score(metric, own)
    if len(own) > 1:
        findings.figures["seeds"] = len(own)
    _check_contamination(gate, report, findings)
    _check_distinct(gate, report, findings)
    tail = whole_error(gate.confidence) * share_of(1) if alpha is None else alpha
    if champion is None:
        _check_first_champion(gate, report, metric, own, tail, findings)
    else:
        _compare_with_champion(gate, report, champion, metric, own, tail, findings)
    return findings.decision()


def compared_scores(gate: Gate, report: Scores, champion: Scores | None) -> str | None:
    """Digest of the scores that a decision compares, example by example; None if it compares nothing.

    Raises:
        BadInput: see `decide`.
    """
    name = _metric(gate.metric, report).name
    if champion is None:
        others = [_statistics(report, baseline, name) for baseline in _baselines(gate, report)]
    else:
        others = [_paired(report, champion, name)]
    if not others or not report.ids:
        return None
    digest = hashlib.sha256("\0".join((name, report.examples, *report.ids)).encode())
    for rows in (_statistics(report, MODEL, name), *others):
        for seed in rows:
            digest.update(seed.astype("<f8").tobytes())
    return digest.hexdigest()


def _check_sizes(gate: Gate, report: Scores, findings: Findings) -> None:
    """Record whether there are enough examples, and enough groups of them."""
    examples, groups = len(report.ids), count_groups(report.groups)
    findings.figures |= {"examples": examples, "groups": groups}
    sizes = [("examples", "test examples", examples, gate.min_examples)]
    sizes += [("groups", "groups of test examples", groups, gate.min_groups)] if groups < examples else []
    for metric, name, found, least in sizes:
        sentence = f"{found} {name} (minimum {least})"
        findings.record(found >= least, sentence, f"at least {least} {name}", metric=metric, challenger=found)


def _check_contamination(gate: Gate, report: Scores, findings: Findings) -> None:
    """Record whether the training text contains too many of the test examples."""
    found, limit = report.contamination, MAX_CONTAMINATED if gate.max_contaminated is None else gate.max_contaminated
    if found is None:
        raise BadInput("the report does not say what training contains of the test examples", "", "evaluate the model again")
    findings.figures["contaminated"] = found.share
    sentence = f"training contains {found.count} of {found.examples} test examples, {found.share:.1%} (maximum {limit:.1%})"
    if found.share > limit:
        sentence += f": {found.exact} word for word, {found.near} nearly, e.g. {found.example}; {FIX}"
    rule = f"at most {limit:.1%} in training"
    findings.record(found.share <= limit, sentence, rule, metric="contaminated", challenger=found.share)


def _check_distinct(gate: Gate, report: Scores, findings: Findings) -> None:
    """Record whether the answers differ enough from each other, if they are texts."""
    if report.distinct is None:
        if gate.min_distinct is not None:
            raise BadInput("min_distinct in the gate of a task that writes no text", "", "remove min_distinct")
        return
    minimum = MIN_DISTINCT if gate.min_distinct is None else gate.min_distinct
    findings.figures["distinct"] = report.distinct
    sentence = f"{report.distinct:.1%} of the outputs are distinct (minimum {minimum:.0%})"
    findings.record(report.distinct >= minimum, sentence, f"at least {minimum:.0%} distinct", metric="distinct", challenger=report.distinct)


def _check_first_champion(gate: Gate, report: Scores, metric: Metric, own: Rows, tail: float, findings: Findings) -> None:
    """Record the rules for the first champion."""
    if gate.threshold is not None:
        value, word = score(metric, own), "minimum" if metric.higher_is_better else "maximum"
        shown, limit = metric.show(value, more=1), metric.show(gate.threshold, more=1)
        rule = f"{'at least' if metric.higher_is_better else 'at most'} {limit}"
        met = metric.sign * (value - gate.threshold) >= 0
        findings.record(met, f"{metric.name} is {shown} ({word} {limit})", rule, metric=metric.name, challenger=value)
    for name in _baselines(gate, report):
        other = _statistics(report, name, metric.name)
        _compare(report, metric, own, other, name, tail, findings)


def _compare_with_champion(
    gate: Gate, report: Scores, champion: Scores, metric: Metric, own: Rows, tail: float, findings: Findings
) -> None:
    """Record the rules that hold once there is a champion."""
    other = _paired(report, champion, metric.name)
    found = _compare(report, metric, own, other, CHAMPION, tail, findings)
    if gate.min_gain is not None:
        shown, least = metric.show(found.value, signed=True, more=1), metric.show(gate.min_gain, more=1)
        sentence = f"{metric.name} gains {shown} on the champion (minimum {least})"
        findings.record(found.value >= gate.min_gain, sentence, f"gain of at least {least}", metric=metric.name, difference=found.value)
    if len(own) > 1:
        _check_registered(metric, own, other, findings)
    for number, rule in enumerate(gate.no_worse or (), start=1):
        _check_no_worse(rule, gate, report, champion, tail, findings, f"no_worse_{number}")


def _check_registered(metric: Metric, own: Rows, other: Rows, findings: Findings) -> None:
    """Record whether the model that would serve is ahead of the one that serves: the mean may be, and this seed not."""
    values = score(metric, own[:1]), score(metric, other[:1])
    ahead = metric.sign * (values[0] - values[1])
    sentence = f"{metric.name} of the registered seed is ahead of the serving model by {metric.show(ahead, signed=True, more=1)}"
    row = {"challenger": values[0], "other": CHAMPION, "other_value": values[1], "difference": ahead}
    findings.record(ahead > 0, f"{sentence} (must be above zero)", "registered seed ahead", metric=metric.name, **row)


def _compare(report: Scores, metric: Metric, own: Rows, other: Rows, name: str, tail: float, findings: Findings) -> PairedDifference:
    """Record the paired improvement, and whether the lower end of its interval is above zero."""
    found = paired_difference(metric, own, other, report.groups, same_seeds=name != CHAMPION)
    interval, values = found.interval(tail), (score(metric, own), score(metric, other))
    findings.figures |= _figures(name, metric, values[1], found, tail)
    shown = metric.show(found.value, signed=True, more=1)
    named = "the champion" if name == CHAMPION else f"baseline {name}"
    findings.record(
        interval is not None and interval.low > 0,
        f"{metric.name} improves on {named} by {shown} ({_describe(metric, found, tail)}, must be above zero)",
        f"better than {name.replace('_', ' ')}",
        **_row(metric, name, own, other, found, tail),
    )
    return found


def _check_no_worse(rule: NoWorse, gate: Gate, report: Scores, champion: Scores, tail: float, findings: Findings, key: str) -> None:
    """Record whether the lower end of the difference's interval is above minus the margin."""
    metric = _metric(rule.metric or gate.metric, report)
    own, other = _statistics(report, MODEL, metric.name), _paired(report, champion, metric.name)
    places, where = _select(rule.slice, report), describe_slice(rule.slice)
    margin = metric.show(rule.margin, more=1)
    asked = f"not worse than champion by {margin}"
    if not places:
        findings.record(False, f"no test example is in the slice {where}", asked, metric=metric.name, where=where)
        return
    # a slice of named groups asks about these very groups, so its examples are the sample
    groups = ("",) * len(places) if rule.slice and rule.slice.group else [report.groups[place] for place in places]
    own, other = ([seed[places] for seed in rows] for rows in (own, other))
    found = paired_difference(metric, own, other, groups)
    interval = found.interval(tail)
    findings.figures |= _figures(key, metric, score(metric, other), found, tail)
    inside = f" on {where}" if where else ""
    shown = metric.show(found.value, signed=True, more=1)
    findings.record(
        interval is not None and interval.low >= -rule.margin,
        f"{metric.name}{inside} differs from the champion's by {shown} ({_describe(metric, found, tail)}, must be above -{margin})",
        asked,
        where=where,
        **_row(metric, CHAMPION, own, other, found, tail),
    )


def _figures(key: str, metric: Metric, other: float, found: PairedDifference, tail: float) -> dict[str, float]:
    interval = found.interval(tail)
    ends = {"difference_low": interval.low, "difference_high": interval.high, "spread": found.spread} if interval else {}
    return {f"{key}.{metric.name}": other, f"{key}.difference": found.value, **{f"{key}.{name}": value for name, value in ends.items()}}


def _row(metric: Metric, name: str, own: Rows, other: Rows, found: PairedDifference, tail: float) -> dict[str, Any]:
    """The fields of a `RuleResult` that compares."""
    low, high = found.interval(tail) or (None, None)
    figures = {"challenger": score(metric, own), "other_value": score(metric, other), "difference": found.value, "low": low, "high": high}
    by_seed = {"seeds": _scores(metric, own), "other_seeds": _scores(metric, other)} if len(own) > 1 or len(other) > 1 else {}
    return {"metric": metric.name, "other": name.replace("_", " "), **figures, **by_seed}


def _describe(metric: Metric, found: PairedDifference, tail: float) -> str:
    """The interval in words, with what it comes from."""
    unit, count = ("groups", found.groups) if found.groups < found.examples else ("examples", found.examples)
    interval = found.interval(tail)
    if interval is None:
        return f"no interval, because too few {unit} of {count} differ"
    low, high = (metric.show(value, signed=True, more=1) for value in interval)
    seeds = " and the training seeds" if found.seed_freedom < math.inf else ""
    return f"{show_confidence(tail)} interval {low} to {high} from {count} {unit}{seeds}"


def describe_slice(part: Slice | None) -> str:
    """A slice in words; empty for all examples."""
    fields = [] if part is None else [("group", part.group), ("reference", part.reference)]
    return " and ".join(f"{name} {' or '.join(values)}" for name, values in fields if values)


def _select(part: Slice | None, report: Scores) -> list[int]:
    """Places of the examples of a slice."""
    chosen = list(range(len(report.ids)))
    if part is not None and part.group:
        chosen = [place for place in chosen if report.groups[place] in part.group]
    if part is not None and part.reference:
        chosen = [place for place in chosen if report.references[place] in part.reference]
    return chosen


def score(metric: Metric, rows: Rows) -> float:
    """The metric's value of all examples, as the mean over training seeds.

    Args:
        metric: the metric.
        rows: [examples, k] statistics of each seed.
    """
    values = _scores(metric, rows)
    return sum(values) / len(values)


def _scores(metric: Metric, rows: Rows) -> tuple[float, ...]:
    """The metric's value of each training seed."""
    return tuple(float(metric.value(seed.sum(axis=0))) for seed in rows)


def count_groups(groups: Sequence[str]) -> int:
    """Number of groups; an example with an empty one is a group of its own."""
    return len(set(groups) - {""}) + list(groups).count("")


def _baselines(gate: Gate, report: Scores) -> tuple[str, ...]:
    """The baselines that a first champion must beat."""
    return report.beats if gate.beats is None else gate.beats


def _paired(report: Scores, champion: Scores, metric: str) -> Rows:
    """The champion's rows, for each of its training seeds, in the order of the challenger's examples."""
    if champion.examples != report.examples:
        raise BadInput(
            "the champion was scored on other examples than the challenger",
            "the test split of the challenger's corpus for both",
            "evaluate the champion on the challenger's corpus with the same evaluation params",
        )
    return _ordered(champion, MODEL, metric, report.ids)


def _metric(name: str | None, report: Scores) -> Metric:
    """The metric of that name, or the task's primary one."""
    from pipeline.metrics.load_metric import load_metric

    name = name or report.primary
    known = report.statistics.get(MODEL, {})
    if name not in known:
        raise unknown_name("metric in the gate", name, known)
    return load_metric(name)


def _statistics(scores: Scores, system: str, metric: str) -> Rows:
    """The rows of one system for each training seed, one row for each example."""
    if system not in scores.statistics:
        raise unknown_name("baseline in the gate", system, [name for name in scores.statistics if name != MODEL])
    if metric not in scores.statistics[system]:
        raise BadInput(f"the report has no {metric} of {system}", "", "change the metric or the baselines in the gate")
    return _ordered(scores, system, metric, scores.ids)


def _ordered(scores: Scores, system: str, metric: str, ids: Sequence[str]) -> Rows:
    """The rows of one system for each training seed, in the order of some examples."""
    found = []
    for seed in scores.seeds:
        if seed.examples != scores.examples:
            raise BadInput("the models of the training seeds were scored on different examples", "the same", "start a new run")
        rows, places = seed.statistics[system][metric], {example: place for place, example in enumerate(seed.ids)}
        found.append(rows if seed.ids == ids else rows[[places[example] for example in ids]])
    return found
