"""When Airflow starts a recipe by itself: at certain times, when Assets are updated, or when the source has new data.

Assets have short names here: ``notes/corpus`` means ``x-trainshed://notes/corpus``. Several kinds of start may be combined; the
first that occurs starts a run. Times are checked in `pipeline.recipe.cron`, cycles of several recipes in
`pipeline.recipe.asset_cycles`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.section import Section

if TYPE_CHECKING:
    from pipeline.recipe.gate_checks import Problem

SCHEME = "x-trainshed://"
FROM_A_RUN = ("corpus", "model", "promotion", "proposal")
"""Assets of a recipe that its own runs update."""

FROM_OUTSIDE = ("source", "drift")
"""Assets of a recipe that other DAGs update: the watch of its source, and its monitor."""

SHORT = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,62}}/({'|'.join((*FROM_A_RUN, *FROM_OUTSIDE))})")
LONG = re.compile(r"[a-z][a-z0-9+.-]*://[!-~]+")
MAX_CHARS = 500
FORMS = f"a URI, or <recipe>/ followed by one of: {', '.join((*FROM_A_RUN, *FROM_OUTSIDE))}"


class AssetCondition(Section):
    """Which Assets have to be updated before a run starts."""

    any: tuple[str, ...] | None = None
    """An update of one of these starts a run: ``<recipe>/corpus``, ``<recipe>/promotion`` and so on, or the URI of an Asset of another DAG."""

    all: tuple[str, ...] | None = None
    """A run starts once each of these was updated since the last one. Not together with ``any``."""

    @property
    def uris(self) -> tuple[str, ...]:
        """URIs of the Assets, in the order of the recipe."""
        return tuple(asset_uri(name) for name in self.any or self.all or ())


class NewData(Section):
    """How often Airflow looks whether the source has changed."""

    every: str
    """A cron expression. At each of these times the source is pinned; a run starts only if its digest has changed."""


class Schedule(Section):
    """When Airflow starts the line by itself. The first of several kinds that occurs starts a run."""

    cron: str | None = None
    """A cron expression of five fields, or a name such as ``@daily``."""

    time_zone: str | None = None
    """Time zone of ``cron`` and of ``new_data.every``, e.g. ``Europe/Berlin``. Unset: UTC."""

    assets: AssetCondition | None = None
    """Airflow Assets whose update starts a run."""

    new_data: NewData | None = None
    """Start when the source has changed."""

    @property
    def zone(self) -> str:
        """Name of the time zone."""
        return "UTC" if self.time_zone is None else self.time_zone


def asset_uri(name: str) -> str:
    """URI of an Asset by its short name; a URI is returned as it is."""
    return f"{SCHEME}{name}" if SHORT.fullmatch(name) else name


def schedule_problem(recipe: str, schedule: Schedule | None) -> Problem:
    """Check how the fields of a schedule fit together.

    Args:
        recipe: name of the recipe.
        schedule: its schedule, if any.
    """
    if schedule is None:
        return None
    given = [name for name in KINDS if getattr(schedule, name) is not None]
    if not given:
        return "schedule is empty", " or ".join(KINDS), "add one of them, or remove schedule"
    if schedule.time_zone is not None and not {"cron", "new_data"}.intersection(given):
        return "schedule.time_zone without a time", "schedule.cron or schedule.new_data", "remove schedule.time_zone"
    return _assets(recipe, schedule.assets) if schedule.assets else None


KINDS = ("cron", "assets", "new_data")
"""Fields of a schedule that start runs; at least one is given."""


def _assets(recipe: str, assets: AssetCondition) -> Problem:
    given = {name: names for name, names in (("any", assets.any), ("all", assets.all)) if names is not None}
    if len(given) != 1:
        got, fix = ("has both any and all", "keep one of them") if given else ("is empty", "add one of them, or remove schedule.assets")
        return f"schedule.assets {got}", "either any or all", fix
    field, names = next(iter(given.items()))
    place = f"schedule.assets.{field}"
    if not names:
        return f"{place} is empty", FORMS, f"name an Asset, or remove {place}"
    for name, uri in zip(names, assets.uris, strict=True):
        problem = _asset(recipe, place, name, uri)
        if problem:
            return problem
    twice = next((uri for uri in assets.uris if assets.uris.count(uri) > 1), None)
    return (f"{place} names {twice} twice", "", "remove one") if twice else None


def _asset(recipe: str, place: str, name: str, uri: str) -> Problem:
    """What is wrong with one Asset, if anything."""
    short = uri.removeprefix(SCHEME)
    if len(uri) > MAX_CHARS or not (SHORT.fullmatch(short) if uri.startswith(SCHEME) else LONG.fullmatch(uri)):
        return f"{place} = {name!r}", FORMS, f"correct {place}"
    owner, _, what = short.rpartition("/")
    if not uri.startswith(SCHEME) or owner != recipe:
        return None
    if what in FROM_A_RUN:
        return f"{place}: {name!r} is updated by this recipe itself, so each run would start the next", "", "name an Asset of another DAG"
    if what == "source":
        return f"{place}: {name!r} is this recipe's own source", "schedule.new_data", "write new_data: {every: <cron>} instead"
    return None
