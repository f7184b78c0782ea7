"""The promotion decision about the model of a run, as a small table and a sentence.

The ledger holds decisions of every run, so the newest entry may be about another model. The decision of this run is the entry
that it appended. A run that appended none (its registration was cached, or the question was decided before) shows the earlier
decision about its model, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.decision_table import NUMBERS, decision_rows, headings, price, seed_lines
from pipeline.registry.ledger_entry import LedgerEntry, Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.artifacts.manifest import Reference
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.rule_result import RuleResult
    from pipeline.settings import Settings


class RunDecision(NamedTuple):
    """The decision about a run's model, and what is true now."""

    entry: LedgerEntry
    """The decision."""

    champion: LedgerEntry | None
    """The entry that made the present champion; None while there is no champion."""

    own: bool
    """Whether this run decided."""

    waits: bool = False
    """Whether it is a proposal that still waits for people."""


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
    if found.entry.rules:
        margin = 0 if console.is_terminal else 1  # the ruled table of a terminal has its own empty lines
        console.print("\n" * margin, end="")
        console.print(decision_table(found.entry, console))
        console.print("\n" * margin, end="")
    for line in seed_lines(found.entry):
        console.print(line, markup=False)
    if found.entry.comparison:
        console.print(price(found.entry), markup=False)
    console.print(f"Reason: {reason(found.entry)}.", markup=False)
    if found.waits:
        console.print(f"Approve or reject it in Airflow (Required actions), or with `trainshed approve {recipe.name}`.", markup=False)
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
        return RunDecision(own, champion, own=True, waits=_waits(head, own))
    earlier = champion if champion and champion.digest == digest else ledger.find_newest_about(digest, head, champion)
    return RunDecision(earlier, champion, own=False, waits=_waits(head, earlier)) if earlier else None


def _waits(head: LedgerEntry | None, entry: LedgerEntry) -> bool:
    return head is not None and head.waiting == entry.number


def headline(name: str, found: RunDecision) -> list[str]:
    """What was decided about which version, and who decided, in one or two lines."""
    entry, champion = found.entry, found.champion
    version = f"{name} version {entry.challenger.version}"
    serves = champion is not None and champion.digest == entry.digest
    serving = f"version {champion.challenger.version} is champion" if champion else "there is no champion yet"
    if entry.decision is Outcome.PROPOSED:
        people = entry.approval.people if entry.approval else 0
        what = f"{version} passed the gate and waits for {people} {'person' if people == 1 else 'people'}; {serving}"
    elif not entry.serves:
        word = "was not promoted" if entry.decision is Outcome.REFUSED else f"was {entry.decision.value}"
        what = f"{version} {word}; {serving}"
    else:
        what = f"{version} is champion" if serves else f"{version} was promoted, but {serving} now"
    lines = [f"Decision: {what} (ledger entry {entry.number})."]
    if champion and champion.number > entry.number and (not entry.serves or not serves):
        lines.append(f"Ledger entry {champion.number} made version {champion.challenger.version} champion later: {_author(champion)}.")
    if not found.own:
        lines.append(f"This run decided nothing new; the decision is from {entry.time:%Y-%m-%d %H:%M}: {_author(entry)}.")
    return lines


def reason(entry: LedgerEntry) -> str:
    """Why it was decided so, in one sentence; the figures are in the table."""
    if not entry.rules:
        return "; ".join(entry.reasons) or "none was given"
    failed = [rule for rule in entry.rules if not rule.met]
    return f"not met: {'; '.join(map(_name, failed))}" if failed else "every rule of the gate is met"


def _name(rule: RuleResult) -> str:
    """A rule and what it is about, as in its row of the table."""
    from pipeline.metrics import METRICS

    about = [rule.metric] if rule.metric in METRICS else []
    return " ".join([*about, *([f"on {rule.where}"] if rule.where else []), rule.rule])


def decision_table(entry: LedgerEntry, console: Console) -> Table:
    """One row for each rule of the gate."""
    from pipeline.cli.console import new_table

    titles = headings(entry)
    right = frozenset(getattr(titles, column) for column in NUMBERS)
    table = new_table(console, *titles, right=right)
    for row in decision_rows(entry):
        table.add_row(*row)
    return table


def _author(entry: LedgerEntry) -> str:
    if entry.decision is Outcome.ROLLED_BACK:
        return f"rollback {entry.run}" + (f" ({'; '.join(entry.reasons)})" if entry.reasons else "")
    if entry.approved_by or entry.decision is Outcome.REJECTED:
        return f"{', '.join(entry.approved_by) or entry.person} in run {entry.run}"
    return f"run {entry.run}"
