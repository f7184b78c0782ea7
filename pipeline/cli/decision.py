"""The promotion decision about the model of a run, as a small table and a sentence.

The ledger holds decisions of every run, so the newest entry may be about another model. The decision of this run is the entry
that it appended. A run that appended none (its registration was cached, or the question was decided before) shows the earlier
decision about its model, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.ledger_entry import LedgerEntry, Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.artifacts.manifest import Reference
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger import Ledger
    from pipeline.settings import Settings


class RunDecision(NamedTuple):
    """The decision about a run's model, and what is true now."""

    entry: LedgerEntry
    """The decision."""

    champion: LedgerEntry | None
    """The entry that made the present champion; None while there is no champion."""

    own: bool
    """Whether this run decided."""


class Comparison(NamedTuple):
    """The challenger against one other model or baseline, on the same examples."""

    metric: str
    challenger: float
    other_name: str
    other: float
    difference: float
    """How far the challenger is ahead, in the direction in which the metric is better."""

    low: float
    """Lower end of the interval of the difference."""

    high: float
    """Upper end."""

    def show(self, value: float, *, signed: bool = False) -> str:
        """A value with the metric's decimals; an older entry may name a metric that this version does not have."""
        from pipeline.metrics import METRICS
        from pipeline.metrics.load_metric import load_metric

        if self.metric in METRICS:
            return load_metric(self.metric).show(value, signed=signed, more=1)
        return f"{value:+.2f}" if signed else f"{value:.2f}"

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` if the interval does not contain zero."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "no clear difference"


def show_decision(recipe: Recipe, run: str, registration: Reference | None, settings: Settings, console: Console) -> RunDecision | None:
    """Print the decision about the model that a run registered, and return it.

    Args:
        recipe: the recipe of the run.
        run: id of the run.
        registration: what its registration made; None if it made nothing.
        settings: where the store is.
        console: where to print.
    """
    from pipeline.artifacts import open_artifacts
    from pipeline.registry.ledger import Ledger

    artifacts = open_artifacts(settings)
    manifest = artifacts.resolve(registration) if registration else None
    name = recipe.registration.model
    found = find_decision(Ledger(artifacts.store, name), run, manifest.inputs["model"].digest) if manifest else None
    if found is None:
        return None
    console.print()
    for line in headline(name, found):
        console.print(line, markup=False)
    compared = comparisons(found.entry)
    if compared:
        margin = 0 if console.is_terminal else 1  # the ruled table of a terminal has its own empty lines
        console.print("\n" * margin, end="")
        console.print(decision_table(compared, console))
        console.print("\n" * margin, end="")
    console.print(f"Reason: {reason(found.entry)}.", markup=False)
    return found


def find_decision(ledger: Ledger, run: str, digest: str) -> RunDecision | None:
    """Find the decision of a run, or the one that holds for its model.

    Args:
        ledger: the ledger of the registered model.
        run: id of the run.
        digest: content digest of the model that the run registered.

    Returns:
        None if nobody has decided about the model since the champion was promoted.
    """
    head = ledger.head()
    champion = ledger.champion(head)
    own = ledger.decision_of_run(run, head)
    if own:
        return RunDecision(own, champion, own=True)
    earlier = champion if champion and champion.digest == digest else ledger.find_refusal(digest, head, champion)
    return RunDecision(earlier, champion, own=False) if earlier else None


def headline(name: str, found: RunDecision) -> list[str]:
    """What was decided about which version, and who decided, in one or two lines."""
    entry, champion = found.entry, found.champion
    version = f"{name} version {entry.challenger.version}"
    serves = champion is not None and champion.digest == entry.digest
    serving = f"version {champion.challenger.version} is champion" if champion else "there is no champion yet"
    if entry.decision is Outcome.REFUSED:
        what = f"{version} was not promoted; {serving}"
    else:
        what = f"{version} is champion" if serves else f"{version} was promoted, but {serving} now"
    lines = [f"Decision: {what} (ledger entry {entry.number})."]
    if champion and champion.number > entry.number and (entry.decision is Outcome.REFUSED or not serves):
        lines.append(f"Ledger entry {champion.number} made version {champion.challenger.version} champion later: {_author(champion)}.")
    if not found.own:
        lines.append(f"This run decided nothing new; the decision is from {entry.time:%Y-%m-%d %H:%M}: {_author(entry)}.")
    return lines


def reason(entry: LedgerEntry) -> str:
    """Why it was decided so, in one sentence; the figures of comparisons are in the table."""
    compared = comparisons(entry)
    if entry.decision is Outcome.PROMOTED and compared:
        return "every rule of the gate is met"
    lost = [row.other_name for row in compared if row.low <= 0]
    reasons = [f"{compared[0].metric} is not better than that of {' and '.join(lost)}"] if lost else []
    reasons += [text for text in entry.reasons if not any(text.startswith(f"{row.metric} improves on") for row in compared)]
    return "; ".join(reasons) or "none was given"


def comparisons(entry: LedgerEntry) -> list[Comparison]:
    """The comparisons that the gate made, from the figures of the entry."""
    figures = entry.figures
    others = [key.removesuffix(".difference") for key in figures if key.endswith(".difference")]
    found = []
    for other in others:
        metric = next(key for key in figures if "." not in key and f"{other}.{key}" in figures)
        low, high = figures[f"{other}.difference_low"], figures[f"{other}.difference_high"]
        found.append(
            Comparison(
                metric, figures[metric], other.replace("_", " "), figures[f"{other}.{metric}"], figures[f"{other}.difference"], low, high
            )
        )
    return found


def decision_table(compared: list[Comparison], console: Console) -> Table:
    """One row for each comparison."""
    from pipeline.cli.console import new_table

    numbers = frozenset({"challenger", "its score", "difference", "interval"})
    table = new_table(console, "metric", "challenger", "compared with", "its score", "difference", "interval", "verdict", right=numbers)
    for row in compared:
        table.add_row(
            row.metric,
            row.show(row.challenger),
            row.other_name,
            row.show(row.other),
            row.show(row.difference, signed=True),
            f"{row.show(row.low, signed=True)} to {row.show(row.high, signed=True)}",
            row.verdict,
        )
    return table


def _author(entry: LedgerEntry) -> str:
    if entry.decision is Outcome.ROLLED_BACK:
        return f"rollback {entry.run}" + (f" ({'; '.join(entry.reasons)})" if entry.reasons else "")
    return f"run {entry.run}"
