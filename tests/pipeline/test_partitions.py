"""Partitions of a source: keys, windows, addresses, and what a run of a recipe reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fixtures.airflow_home import RECIPE

from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.errors import BadInput
from pipeline.lines import trace
from pipeline.recipe import Recipe, read_recipe
from pipeline.recipe.partitions import Partitions, address_of, at_partition, between, latest_complete, neighbour, window_of
from pipeline.recipe.recipe import check_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe.partitions import Kind

NOON = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


def recipe(partitions: dict[str, Any] | None = None, path: str = "/data/{partition}/*.jsonl", **sections: object) -> Recipe:
    data = yaml.safe_load(RECIPE.format(name="first")) | sections
    data["data"]["source"] |= {"path": path, "partitions": partitions}
    return check_recipe(data, "first.yaml")


@pytest.mark.parametrize(
    ("by", "zone", "newest"),
    [
        ("hour", "UTC", "2026-11-25T11"),
        ("day", "UTC", "2026-11-24"),
        ("day", "Pacific/Kiritimati", "2026-11-25"),  # there it is the 26th
        ("week", "UTC", "2026-11-16"),
        ("month", "UTC", "2026-10"),
    ],
)
def test_the_newest_partition_is_the_last_one_that_has_ended(by: Kind, zone: str, newest: str) -> None:
    assert latest_complete(by, NOON, zone) == newest


def test_the_last_day_of_the_year_and_its_first_week_and_month() -> None:
    assert latest_complete("month", datetime(2027, 1, 1, tzinfo=UTC), "UTC") == "2026-12"
    assert latest_complete("day", datetime(2027, 1, 1, tzinfo=UTC), "UTC") == "2026-12-31"
    assert between("2026-12-30", "2027-01-05", "week") == ("2026-12-28", "2027-01-04")
    assert neighbour("2026-11", "month", -11) == "2025-12"
    assert neighbour("2024-01-31", "day", 29) == "2024-02-29"


def test_a_window_ends_with_its_partition() -> None:
    assert window_of(Partitions(by="day"), "2026-03-01") == ("2026-03-01",)
    assert window_of(Partitions(by="day", window=3), "2026-03-01") == ("2026-02-27", "2026-02-28", "2026-03-01")
    assert window_of(Partitions(by="month", window=2), "2026-01") == ("2025-12", "2026-01")


@pytest.mark.parametrize(
    ("by", "path", "address"),
    [
        ("day", "s3://b/{partition}/x-{partition}.csv", "s3://b/2026-11-24/x-2026-11-24.csv"),
        ("day", "s3://b/year={partition:%Y}/{partition:%m/%d}/", "s3://b/year=2026/11/24/"),
        ("week", "/d/{partition:%G-W%V}", "/d/2026-W48"),
        ("hour", "/d/{partition}", "/d/2026-11-24T00"),
        ("month", "/d/{partition}", "/d/2026-11"),
    ],
)
def test_the_path_names_the_partition_in_any_form(by: Kind, path: str, address: str) -> None:
    key = {"hour": "2026-11-24T00", "month": "2026-11"}.get(by, "2026-11-24")
    assert address_of(path, key, by) == address


@pytest.mark.parametrize(
    ("by", "key", "expected"),
    [
        ("day", "2026-13-01", "expected a day such as 2026-11-24"),
        ("day", "yesterday", "expected a day"),
        ("day", "", "expected a day"),
        ("day", "2026-11-24T05", "expected a day"),
        ("day", "../../etc", "expected a day"),
        ("day", "0001-01-01", "expected a day"),
        ("day", "9999-12-31", "expected a day"),
        ("week", "2026-W48", "expected any day of the week"),
        ("month", "2026-11-24", "expected a month such as 2026-11"),
        ("hour", "2026-11-24", "expected an hour such as 2026-11-24T05"),
        ("hour", "2026-11-24T24", "expected an hour"),
    ],
)
def test_a_wrong_key_is_refused_in_one_line(by: str, key: str, expected: str) -> None:
    with pytest.raises(BadInput, match=expected) as caught:
        at_partition(recipe({"by": by}), key, NOON)
    assert str(caught.value).startswith(f"partition {key!r}")
    assert "\n" not in str(caught.value)


def test_a_run_reads_the_partition_that_it_names_or_the_newest_one() -> None:
    daily = recipe({"by": "day"}, schedule={"cron": "30 3 * * *", "time_zone": "Pacific/Kiritimati"})
    assert at_partition(daily, "2026-01-02", NOON).data.source.partition == "2026-01-02"
    assert at_partition(daily, None, NOON).data.source.partition == "2026-11-25"
    # any day of a week names it
    assert at_partition(recipe({"by": "week"}), "2026-11-29", NOON).data.source.partition == "2026-11-23"


def test_a_recipe_without_partitions_takes_none() -> None:
    plain = recipe(path="/data/*.jsonl")
    assert at_partition(plain, None, NOON) is plain
    with pytest.raises(BadInput, match=r"recipe first has no partitions, but the run names '2026-11-24'"):
        at_partition(plain, "2026-11-24", NOON)


def test_without_partitions_no_fingerprint_knows_of_them() -> None:
    plain = trace(recipe(path="/data/*.jsonl"))[0]
    parts = fingerprint_parts(plain.component, plain.params, {"source": "0"})
    params = {**parts.params, "data": {**parts.params["data"], "source": dict(parts.params["data"]["source"])}}
    assert params["data"]["source"].pop("partitions") is None
    assert params["data"]["source"].pop("partition") is None
    assert parts.model_copy(update={"params": params}).fingerprint == parts.fingerprint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"partitions": {"by": "day"}, "path": "/data/x"}, ["data.source.path '/data/x' is the same for every day", "{partition}"]),
        ({"path": "/data/{partition}"}, ["has {partition}, but data.source has no partitions", "add data.source.partitions"]),
        ({"partitions": {"by": "day"}, "path": "/data/{day}"}, ["has {day}", "{partition:%Y/%m/%d}"]),
        ({"partitions": {"by": "day"}, "path": "/d/{partition:%m-%d}"}, ["is the same for 2026-01-01 and 2027-01-01"]),
        ({"partitions": {"by": "hour"}, "path": "/d/{partition:%Y-%m-%d}"}, ["is the same for 2026-01-01T00 and 2026-01-01T01"]),
        ({"partitions": {"by": "daily"}}, ["data.source.partitions.by = 'daily'", "'hour', 'day', 'week' or 'month'"]),
        ({"partitions": {"by": "day", "window": 0}}, ["data.source.partitions.window = 0"]),
        ({"partitions": {"every": "day"}}, ["unknown field", "data.source.partitions.every"]),
        ({"partitions": {}}, ["no data.source.partitions.by"]),
        (
            {"partitions": {"by": "day"}, "schedule": {"new_data": {"every": "@daily"}}},
            ["schedule.new_data with data.source.partitions", "write schedule.cron instead"],
        ),
        (
            {"partitions": {"by": "day"}, "experiment": {"search": {"finetuning.steps": {"values": [1, 2]}}, "trials": 2}},
            ["experiment with data.source.partitions", "the same source for every trial"],
        ),
    ],
)
def test_a_recipe_whose_partitions_have_no_address_is_refused_in_one_line(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        recipe(**changes)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"table": "notes_{partition:%Y%m%d}"}, ""),
        ({"query": "SELECT * FROM notes WHERE made >= '{partition}' AND made < '{next}' AND tags <> '{}'"}, ""),
        ({"query": "SELECT '{\"a\": 1}' AS meta FROM notes_{partition:%Y%m%d}"}, ""),
        ({"query": "SELECT * FROM notes WHERE made >= '{partition}' AND made < '{nxt}'"}, "has {nxt}; expected {partition}, {next}"),
        ({"table": "notes"}, "data.source.table 'notes' is the same for every day"),
        ({"query": "SELECT * FROM notes WHERE month = '{partition:%Y-%m}'"}, "is the same for 2026-01-01 and 2026-01-02"),
        (
            {"table": "notes_{partition}", "partitions": None},
            "data.source.table 'notes_{partition}' has {partition}, but data.source has no",
        ),
    ],
)
def test_a_query_or_a_table_names_the_partition(source: dict[str, Any], said: str) -> None:
    data = yaml.safe_load(RECIPE.format(name="first"))
    data["data"]["source"] = {
        "kind": "sql",
        "path": "notes.sqlite",
        "columns": {"text": "a", "target": "b"},
        "partitions": {"by": "day"},
    } | source
    if not said:
        check_recipe(data, "first.yaml")
        return
    with pytest.raises(BadInput) as caught:
        check_recipe(data, "first.yaml")
    assert said in str(caught.value)


def test_packages_have_no_partitions(tmp_path: Path) -> None:
    data = yaml.safe_load(RECIPE.format(name="first"))
    data["data"]["source"] = {"kind": "pydocs", "partitions": {"by": "day"}}
    with pytest.raises(BadInput, match=r"data\.source\.partitions with kind 'pydocs'"):
        check_recipe(data, "first.yaml")


def test_a_recipe_file_names_no_partition(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    text = RECIPE.format(name="first").replace("/data/*.jsonl", '"/data/{partition}", partitions: {by: day}, partition: "2026-11-24"')
    path.write_text(text)
    with pytest.raises(BadInput, match=r"^first.yaml: data.source.partition in a recipe file; fix: remove it, and say --partition"):
        read_recipe(path)
