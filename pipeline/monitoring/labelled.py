"""What the score of a champion on fresh labelled records says: whether it is surely too low, or surely lower than at its promotion.

The report is made by the same components as any other: `pipeline.lines.monitor`. An alarm needs an interval that is wholly beyond the limit
(`pipeline.metrics.estimate`): the score's own interval, and that of the difference between the fresh records and the test set of the promotion.
Both shares of the error are Bonferroni's: `Labelled.tail`.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.monitoring.look import Check
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.metrics.base import Metric
    from pipeline.metrics.estimate import Estimate
    from pipeline.recipe.monitor import Labelled
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.registry.scores import Scores

SCORE, DROP = "score", "drop"
"""Names of the checks."""

KNOWN = ("filtered_known_input", "filtered_known_answer")
"""Counts of a corpus of fresh records: those that the champion saw in training or validation."""

NOT_SCORED = "the labelled data was not scored: the log of the steps before says why"


class _Scored(NamedTuple):
    """A score of the champion on one set of examples."""

    metric: Metric
    estimate: Estimate
    examples: int
    groups: int


def labelled_checks(
    artifacts: Artifacts, labelled: Labelled, ledger: Ledger, champion: LedgerEntry, report: Reference | None
) -> tuple[Check, ...]:
    """The checks of the fresh labelled data.

    Args:
        artifacts: hold the reports.
        labelled: what the recipe asks.
        ledger: of the registered model.
        champion: its entry.
        report: about the champion and the fresh data; None if there is none.

    Raises:
        BadInput: the report has no such metric.
    """
    manifest = artifacts.resolve(report) if report else None
    if manifest is None:
        # a person should know: a source that is gone, or a step that fails, is no silence
        return (_unknown(SCORE, NOT_SCORED, crossed=True),)
    if manifest.inputs["model"].digest != champion.digest:
        return (_unknown(SCORE, "the champion changed after it was scored; the next look scores the new one"),)
    fresh, scores = _scored(artifacts, manifest, labelled)
    about = f"{_show(fresh, labelled.tail)}{_left_out(artifacts, manifest)}"
    if fresh.examples < labelled.least:
        return (_score_check(fresh, labelled, f"too few: {about}, {labelled.least} are needed", decided=False),)
    if fresh.estimate.interval(labelled.tail) is None:
        return (_score_check(fresh, labelled, f"too few groups of examples: {about}", decided=False),)
    found = [_score_check(fresh, labelled, about, decided=True)]
    if labelled.max_drop is not None:
        found.append(_drop_check(artifacts, labelled, labelled.max_drop, fresh, scores, _promotion_report(ledger, champion)))
    return tuple(found)


def _score_check(fresh: _Scored, labelled: Labelled, says: str, *, decided: bool) -> Check:
    """The score with its interval, against the threshold if there is one."""
    metric, interval, limit = fresh.metric, fresh.estimate.interval(labelled.tail), labelled.threshold
    best = None if interval is None else interval.high if metric.higher_is_better else interval.low
    crossed = decided and limit is not None and best is not None and metric.sign * (best - limit) < 0
    if crossed and limit is not None and not fresh.estimate.error and metric.percent:
        # every group has the same score, so the error is not known. With a true score at the limit, this happens at most so often
        crossed = (1 - abs(fresh.estimate.value - limit) / 100) ** fresh.groups <= labelled.tail
    low, high = interval or (None, None)
    return Check(name=SCORE, value=fresh.estimate.value, limit=limit, crossed=crossed, says=says, retrain=True, low=low, high=high)


def _drop_check(
    artifacts: Artifacts, labelled: Labelled, most: float, fresh: _Scored, scores: Scores, promotion: Reference | None
) -> Check:
    """How much worse the champion is than on the test set of its promotion."""
    from pipeline.metrics.estimate import difference

    then = artifacts.resolve(promotion) if promotion else None
    if then is None or artifacts.missing(then):
        return _unknown(DROP, "the report of the champion's promotion is not in the store", most)
    try:
        before, promoted = _scored(artifacts, then, labelled)
    except BadInput as error:
        return _unknown(DROP, f"no comparison with the promotion: {error.got}", most)
    if promoted.primary != scores.primary and labelled.metric is None:
        return _unknown(DROP, f"no comparison: the promotion was about {promoted.primary}", most)
    drop = difference(before.estimate, fresh.estimate, fresh.metric.sign)
    interval = drop.interval(labelled.tail)
    shown = fresh.metric.show(before.estimate.value, more=1)
    says = f"{fresh.metric.name} was {shown} on the {before.examples} test examples of the promotion"
    if interval is None:
        return _unknown(DROP, f"{says}: too few groups for an interval", most)
    crossed = interval.low > most
    return Check(name=DROP, value=drop.value, limit=most, crossed=crossed, says=says, retrain=True, low=interval.low, high=interval.high)


def _scored(artifacts: Artifacts, report: Manifest, labelled: Labelled) -> tuple[_Scored, Scores]:
    """The champion's score in a report."""
    # numpy and pyarrow take half a second to import
    from pipeline.metrics.estimate import estimate
    from pipeline.metrics.load_metric import load_metric
    from pipeline.registry.gate import count_groups
    from pipeline.registry.scores import MODEL, read_scores

    with TemporaryDirectory() as folder:
        scores = read_scores(artifacts.open(report, Path(folder) / "report", ("report.json", "examples.parquet")))
    name = labelled.metric or scores.primary
    if name not in scores.statistics.get(MODEL, {}):
        raise BadInput(f"report {report.fingerprint[:12]} has no {name} of the model", "", "name another metric in monitor.labelled.metric")
    metric = load_metric(name)
    found = estimate(metric, scores.statistics[MODEL][name], scores.groups)
    return _Scored(metric, found, len(scores.ids), count_groups(scores.groups)), scores


def _promotion_report(ledger: Ledger, champion: LedgerEntry) -> Reference | None:
    """The report that promoted the champion's model: a rollback reads none."""
    for entry in ledger.champions(champion):
        if entry.digest == champion.digest and entry.decision is Outcome.PROMOTED:
            return entry.challenger.report
    return None


def _show(scored: _Scored, tail: float) -> str:
    """A score in words."""
    metric, interval = scored.metric, scored.estimate.interval(tail)
    groups = f" in {scored.groups} groups" if scored.groups < scored.examples else ""
    between = f" ({metric.show(interval.low, more=1)} to {metric.show(interval.high, more=1)})" if interval else ""
    return f"{metric.name} {metric.show(scored.estimate.value, more=1)}{between} on {scored.examples} fresh examples{groups}"


def _left_out(artifacts: Artifacts, report: Manifest) -> str:
    """How many records of the source the champion had learned from, in words; empty if none, or if the corpus is gone."""
    corpus = artifacts.resolve(report.inputs["corpus"])
    known = sum(corpus.counts.get(name, 0) for name in KNOWN) if corpus else 0
    return f", {known} known from training left out" if known else ""


def _unknown(name: str, says: str, limit: float | None = None, *, crossed: bool = False) -> Check:
    """A check without a value."""
    return Check(name=name, value=None, limit=limit, crossed=crossed, says=says)
