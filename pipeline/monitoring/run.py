"""Look at a model once: measure what the recipe asks for, append the record, and decide whether to ask for a retraining."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput
from pipeline.monitoring.corpus_profile import read_or_make_profile
from pipeline.monitoring.find_corpus import find_corpus
from pipeline.monitoring.labelled import labelled_checks
from pipeline.monitoring.look import Check, Look, Looks, Shift, answer
from pipeline.registry.aliases import CHAMPION
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import find_version, read_aliases
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.recipe import Monitor, Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings

RETRIED = 5
"""Newest records among which a retry finds its own."""

DAY_S = 86_400.0


def look_at(
    recipe: Recipe, settings: Settings, run: str, *, emit: bool, report: Reference | None = None, now: datetime | None = None
) -> Look:
    """Look at the model of a recipe.

    Args:
        recipe: has a section ``monitor``.
        settings: where the store and MLflow are.
        run: id of the run; a second look of the same run returns the record of the first.
        emit: whether the caller starts a retraining if the record says so.
        report: about the champion and the fresh labelled data, where the recipe has some: the result of the line ``monitor``.
        now: time of the look; by default the present.

    Raises:
        BadInput: the recipe has no monitor, or the champion's corpus is lost or too small for a profile.
        Unavailable: the store or MLflow is unreachable.
    """
    if recipe.monitor is None:
        raise BadInput(f"recipe {recipe.name} has no section monitor", "", "add it: docs/monitoring.md")
    now = now or datetime.now(UTC)
    model, artifacts = recipe.registration.model, open_artifacts(settings)
    looks = Looks(artifacts.store, model)
    earlier = looks.newest(RETRIED)
    done = next((look for look in earlier if look.run == run), None)
    if done:
        return done
    before = earlier[0] if earlier else None
    after = before.served_until if before else ""
    ledger = Ledger(artifacts.store, model)
    champion = ledger.champion()
    if champion is None:
        check = _nothing("champion", f"{model} has no champion yet")
        look = Look(recipe=recipe.name, model=model, time=now, run=run, champion=None, corpus=None, checks=(check,), served_until=after)
        return looks.append(answer(look, before, recipe.monitor.cool_down_days, emit=emit))
    corpus = find_corpus(artifacts, champion.challenger.model)
    seen = _compared(artifacts, corpus, recipe, after, settings.state)
    labelled = recipe.monitor.labelled
    scored = labelled_checks(artifacts, labelled, ledger, champion, report) if labelled else ()
    ages = _ages(recipe.monitor, corpus, champion, now)
    look = Look(
        recipe=recipe.name,
        model=model,
        time=now,
        run=run,
        champion=champion.number,
        corpus=corpus.digest,
        checks=(*seen.checks, *scored, *ages, _alias(MlflowServer(settings), model, champion)),
        shifts=seen.shifts,
        texts=seen.texts,
        served_until=seen.until,
        report=report,
    )
    return looks.append(answer(look, before, recipe.monitor.cool_down_days, emit=emit))


class Compared(NamedTuple):
    """What a look found about the served texts."""

    checks: tuple[Check, ...]
    """The check of drift; empty for a recipe without."""

    until: str
    """Newest key of the log that a comparison has seen."""

    texts: int = 0
    """Texts of the window."""

    shifts: tuple[Shift, ...] = ()
    """What the comparison found; empty if there were too few texts."""


def _compared(artifacts: Artifacts, corpus: Manifest, recipe: Recipe, after: str, scratch: Path) -> Compared:
    """Compare the texts served since ``after`` with the corpus, if the recipe asks for it and there are enough."""
    drift = recipe.monitor.drift if recipe.monitor else None
    if drift is None:
        return Compared((), after)
    # scipy takes half a second to import
    from pipeline.monitoring.drift import compare, level_of
    from pipeline.monitoring.served_texts import read_window

    window = read_window(artifacts.store, recipe.registration.model, after, drift.window)
    count = len(window.texts)
    if count < drift.least:
        return Compared((_nothing("drift", f"{count} new texts, {drift.least} are needed", drift.least_distance),), after, count)
    scratch.mkdir(parents=True, exist_ok=True)
    profile = read_or_make_profile(artifacts, corpus, scratch)
    level = level_of(drift.false_alarms, drift.windows)
    shifts = compare(profile.reference, profile.measure(window.texts), level, drift.least_distance)
    return Compared((_drift_check(shifts, drift.least_distance, count),), window.until, count, shifts)


def _drift_check(shifts: tuple[Shift, ...], limit: float, texts: int) -> Check:
    crossed = sorted((shift for shift in shifts if shift.crossed), key=lambda shift: -shift.distance)
    largest = max(shift.distance for shift in crossed or shifts)
    says = f"{', '.join(shift.feature for shift in crossed)} of {texts} texts differ" if crossed else f"{texts} texts resemble the corpus"
    return Check(name="drift", value=largest, limit=limit, crossed=bool(crossed), says=says, retrain=True)


def _ages(monitor: Monitor, corpus: Manifest, champion: LedgerEntry, now: datetime) -> list[Check]:
    """The checks of ages that have a limit."""
    asked = (
        ("data", corpus.provenance.started, monitor.data_days, "the corpus was read"),
        ("champion", champion.time, monitor.champion_days, "the champion was promoted"),
    )
    found = []
    for name, since, limit, what in asked:
        if limit is not None:
            days = (now - since).total_seconds() / DAY_S
            says = f"{what} {days:.1f} days ago"
            found.append(Check(name=name, value=days, limit=limit, crossed=days > limit, says=says, retrain=True))
    return found


def _alias(server: MlflowServer, model: str, champion: LedgerEntry) -> Check:
    """Whether MLflow serves the model that the ledger says. A retraining does not correct that."""
    version, alias = find_version(server, model, champion.digest), read_aliases(server, model).get(CHAMPION)
    if version is None:
        says = f"MLflow has no version of the champion of ledger entry {champion.number}"
    elif alias != version.number:
        says = f"the alias {CHAMPION} is {f'version {alias}' if alias else 'not set'}, the ledger says version {version.number}"
    else:
        says = f"the alias {CHAMPION} is version {alias}, as the ledger says"
    return Check(name="alias", value=None, limit=None, crossed=version is None or alias != version.number, says=says)


def _nothing(name: str, says: str, limit: float | None = None) -> Check:
    """A check that could not be made."""
    return Check(name=name, value=None, limit=limit, crossed=False, says=says)
