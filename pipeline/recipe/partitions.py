"""Partitions of a source: hours, days, weeks or months, each at an address of its own.

A partition has a *key*, the time at which it begins: ``2026-11-24T05``, ``2026-11-24``, ``2026-11-23`` (the Monday of a week) or
``2026-11``. The source's path, or its query, has a placeholder for it. A run reads one partition, or the window of partitions that ends with
it. Which one is a field of the run's recipe, so plan, steps and a compiled pipeline agree about it. A key is a time and nothing else, so whoever
may start a run cannot name another folder by it, nor another query.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from pipeline.errors import BadInput
from pipeline.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.recipe.data import Source
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe

Kind = Literal["hour", "day", "week", "month"]

FORMATS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}
"""How the key of a partition is written."""

EXPECTED = {
    "hour": "an hour such as 2026-11-24T05",
    "day": "a day such as 2026-11-24",
    "week": "any day of the week, such as 2026-11-24",
    "month": "a month such as 2026-11",
}

PATTERNS = {"hour": r"^\d{4}-\d{2}-\d{2}T\d{2}$", "day": r"^\d{4}-\d{2}-\d{2}$", "week": r"^\d{4}-\d{2}-\d{2}$", "month": r"^\d{4}-\d{2}$"}
"""The same as regular expressions, for a form."""

PLACEHOLDER = re.compile(r"\{(?P<which>partition|next)(?::(?P<format>[^{}]+))?\}")
ANY_PLACEHOLDER = re.compile(r"\{[A-Za-z_][^{}'\"]*\}")
"""A word in braces. In a query it would be compared as it is, e.g. ``{nxt}``, and other rows read; JSON and ``{}`` begin with no word."""
FIELD = "data.source.partitions"
ADDRESSES = {"sql": ("query", "table", "path")}
"""Fields that may name a partition, for kinds where that is not only the path."""

YEARS = range(1970, 2200)
"""Of a key; a mistyped year would ask for a window before the first day that Python knows."""

COMPARED = 1000
"""How many partitions have to have different addresses; enough to find a missing year."""


class Partitions(Section):
    """How a source is divided, and how much of it a run reads."""

    by: Kind
    """``hour``, ``day``, ``week`` (from Monday) or ``month``. The path or query has ``{partition}`` where the key of a partition is, or ``{partition:%Y/%m/%d}`` in a form of its own; ``{next}`` is the key of the one after it."""

    window: int = Field(1, ge=1, le=1000)
    """How many partitions a run reads: its own and those right before it. ``1``: its own only."""


def read_key(key: str, by: Kind) -> datetime:
    """When a partition begins.

    Raises:
        BadInput: it is no key of such a partition.
    """
    try:
        found = datetime.strptime(key, FORMATS[by])  # noqa: DTZ007 - a partition is named in local time
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise BadInput(f"partition {key!r}", EXPECTED[by], "correct the partition")
    return _floor(found, by)


def write_key(begin: datetime, by: Kind) -> str:
    """The key of the partition that begins then."""
    return begin.strftime(FORMATS[by])


def latest_complete(by: Kind, now: datetime, zone: str) -> str:
    """The newest partition that has ended.

    Args:
        by: what a partition is.
        now: with time zone.
        zone: name of the time zone in which partitions begin.
    """
    return write_key(_shift(_floor(now.astimezone(ZoneInfo(zone)).replace(tzinfo=None), by), by, -1), by)


def neighbour(key: str, by: Kind, distance: int) -> str:
    """The partition so many later than this one; earlier where negative."""
    return write_key(_shift(read_key(key, by), by, distance), by)


def between(first: str, last: str, by: Kind) -> tuple[str, ...]:
    """The partitions from one to another, both included.

    Raises:
        BadInput: one is no key, or the first is later than the last.
    """
    begin, end = read_key(first, by), read_key(last, by)
    if begin > end:
        raise BadInput(f"partition {first} is later than {last}", "the earlier one first", "exchange them")
    return tuple(write_key(each, by) for each in _from(begin, by, end))


def window_of(partitions: Partitions, key: str) -> tuple[str, ...]:
    """The partitions that a run of this one reads, the oldest first."""
    return between(neighbour(key, partitions.by, 1 - partitions.window), key, partitions.by)


def source_at(source: Source, key: str) -> Source:
    """The source of one partition alone.

    Args:
        source: with its partitions.
        key: of the partition.
    """
    assert source.partitions is not None  # noqa: S101 - the caller looked
    by = source.partitions.by
    said = {name: address_of(text, key, by) for name, text in _addresses(source).items()}
    return source.model_copy(update={**said, "partitions": None, "partition": key})


def _addresses(source: Source) -> dict[str, str]:
    """The texts of a source that may name a partition, by their fields."""
    return {name: text for name in ADDRESSES.get(source.kind, ("path",)) if (text := getattr(source, name))}


def address_of(text: str, key: str, by: Kind) -> str:
    """A path or a query at one partition."""
    begin = read_key(key, by)
    times = {"partition": begin, "next": _shift(begin, by, 1)}
    return PLACEHOLDER.sub(lambda found: times[found["which"]].strftime(found["format"] or FORMATS[by]), text)


def at_partition(recipe: Recipe, key: str | None, now: datetime) -> Recipe:
    """The recipe of a run: with the partition that it reads.

    Args:
        recipe: as its file says it.
        key: the partition that was asked for; None: the newest one that has ended.
        now: when the run was due, with time zone. A run that is repeated later keeps its partition.

    Raises:
        BadInput: it is no key, or the recipe has no partitions.
    """
    partitions = recipe.data.partitions
    if partitions is None:
        if key is None:
            return recipe
        raise BadInput(f"recipe {recipe.name} has no partitions, but the run names {key!r}", FIELD, "leave out the partition")
    by = partitions.by
    zone = recipe.schedule.zone if recipe.schedule else "UTC"
    chosen = latest_complete(by, now, zone) if key is None else write_key(read_key(key, by), by)
    fixed = {
        part.name: part.source.model_copy(update={"partition": chosen}) if part.source.partitions else part.source
        for part in recipe.data.parts
    }
    return recipe.model_copy(update={"data": recipe.data.with_sources(fixed)})


def partitions_problem(recipe: Recipe) -> Problem:
    """Check that each partition has an address, and that nothing in the recipe needs a source without partitions."""
    source = recipe.data.single_source
    partitions, said = source.partitions, {f"data.source.{name}": text for name, text in _addresses(source).items()}
    named = next((field for field, text in said.items() if PLACEHOLDER.search(text)), None)
    if partitions is None:
        got = f"{named} {said[named]!r} has {{partition}}, but data.source has no partitions" if named else ""
        return (got, "", f"add {FIELD}: {{by: day}}") if named else None
    if source.kind in ("pydocs", "catalogue"):
        return f"{FIELD} with kind {source.kind!r}", "files of records, e.g. jsonl", f"remove {FIELD}"
    wanted = "{partition}, {next}, or a form such as {partition:%Y/%m/%d}"
    for field, text in said.items():
        wrong = next((found for found in ANY_PLACEHOLDER.findall(text) if not PLACEHOLDER.fullmatch(found)), None)
        if wrong:
            return f"{field} {text!r} has {wrong}", wanted, f"correct {field}"
    if named is None:
        field = next(iter(said), "data.source.path")
        return f"{field} {said.get(field, '')!r} is the same for every {partitions.by}", wanted, f"correct {field}"
    if source.partition is not None:
        read_key(source.partition, partitions.by)
    same = _same_address("\n".join(said.values()), partitions.by)
    if same:
        return (
            f"{named} {said[named]!r} is the same for {' and '.join(same)}",
            f"another address for each {partitions.by}",
            f"correct {named}",
        )
    return _needs_one_source(recipe)


def _needs_one_source(recipe: Recipe) -> Problem:
    """A section that would have to guess a partition."""
    if recipe.schedule and recipe.schedule.new_data:
        return f"schedule.new_data with {FIELD}", "a time at which the newest partition is there", "write schedule.cron instead"
    if recipe.experiment:
        return f"experiment with {FIELD}", "the same source for every trial", "write a recipe of one partition for the experiment"
    return None


def _same_address(text: str, by: Kind) -> tuple[str, str] | None:
    """Two partitions that have one address, if there are any."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    seen: dict[str, str] = {}
    for count in range(COMPARED):
        key = write_key(_shift(_floor(begin, by), by, count), by)
        address = address_of(text, key, by)
        if address in seen:
            return seen[address], key
        seen[address] = key
    return None


def _from(begin: datetime, by: Kind, end: datetime) -> Iterator[datetime]:
    while begin <= end:
        yield begin
        begin = _shift(begin, by, 1)


def _floor(moment: datetime, by: Kind) -> datetime:
    """When the partition began that has this moment."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if by == "hour":
        return hour
    day = hour.replace(hour=0)
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day if by == "day" else day.replace(day=1)


def _shift(begin: datetime, by: Kind, count: int) -> datetime:
    """When the partition begins that is so many later."""
    if by == "month":
        months = begin.year * 12 + begin.month - 1 + count
        return begin.replace(year=months // 12, month=months % 12 + 1)
    return begin + count * {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[by]
