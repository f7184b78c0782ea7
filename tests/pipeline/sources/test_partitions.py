"""Pinning a source that is divided by time: which items, in which order, and what is said of a missing partition."""

from __future__ import annotations

import sqlite3
from shutil import copyfile
from typing import TYPE_CHECKING

import boto3
import pytest

from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput, SourceChanged
from pipeline.recipe import Columns, Source
from pipeline.recipe.partitions import Kind, Partitions
from pipeline.reporter import SilentReporter
from pipeline.starts.pin import pin_source

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.s3 import S3Server

    from pipeline.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day in (20, 21, 22, 26):
        place = tmp_path / "days" / f"2026-11-{day}"
        place.mkdir(parents=True)
        (place / "part-1.jsonl").write_text(f"{day}")
    return tmp_path / "days"


def source(folder: Path | str, partition: str | None, window: int = 1) -> Source:
    return Source(kind="jsonl", path=f"{folder}/{{partition}}/", partitions=Partitions(by="day", window=window), partition=partition)


def days(found: Source, settings: Settings) -> list[str]:
    return [item.name.split("/")[-2] for item in pin_source(found, settings).items]


def test_a_run_reads_its_partition_or_a_window_in_the_order_of_time(folder: Path, folder_settings: Settings) -> None:
    assert days(source(folder, "2026-11-21"), folder_settings) == ["2026-11-21"]
    assert days(source(folder, "2026-11-22", 3), folder_settings) == ["2026-11-20", "2026-11-21", "2026-11-22"]


def test_what_is_left_out_of_a_window_is_counted_together(folder: Path, folder_settings: Settings) -> None:
    for day in (20, 21):
        (folder / f"2026-11-{day}" / "_SUCCESS").write_text("")
    found = pin_source(source(folder, "2026-11-22", 3), folder_settings).left_out
    assert [(row.reason, row.count, row.example) for row in found] == [("working", 2, "_SUCCESS")]


def test_the_digest_is_that_of_the_bytes_whatever_partition_they_are_in(folder: Path, folder_settings: Settings) -> None:
    before = pin_source(source(folder, "2026-11-21"), folder_settings).digest
    assert pin_source(source(folder, "2026-11-22"), folder_settings).digest != before
    (folder / "2026-11-22" / "part-1.jsonl").write_text("21")
    assert pin_source(source(folder, "2026-11-22"), folder_settings).digest == before
    plain = Source(kind="jsonl", path=str(folder / "2026-11-21"))
    assert pin_source(plain, folder_settings).digest == before


@pytest.mark.parametrize(
    ("partition", "window", "said"),
    [
        ("2026-11-24", 1, "partition 2026-11-24 is missing: {folder}/2026-11-24/ has no jsonl file; the nearest one is 2026-11-22"),
        ("2026-11-25", 1, "partition 2026-11-25 is missing: {folder}/2026-11-25/ has no jsonl file; the nearest one is 2026-11-26"),
        (
            "2026-11-26",
            3,
            "partition 2026-11-24 of the window of 3 up to 2026-11-26 is missing: {folder}/2026-11-24/ has no jsonl file; the nearest one is 2026-11-22",
        ),
        (
            "2024-01-01",
            1,
            "partition 2024-01-01 is missing: {folder}/2024-01-01/ has no jsonl file; none of the 14 before and after it is there",
        ),
    ],
)
def test_a_missing_partition_is_named_with_the_nearest_one(
    folder: Path, folder_settings: Settings, partition: str, window: int, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        pin_source(source(folder, partition, window), folder_settings)
    assert str(caught.value).startswith(said.format(folder=folder))
    assert "\n" not in str(caught.value)


def test_an_empty_partition_is_told_and_no_partition_too(folder: Path, folder_settings: Settings) -> None:
    (folder / "2026-11-21" / "part-1.jsonl").write_text("")
    with pytest.raises(BadInput, match=r"every file of data.source.path '.*2026-11-21/' is empty"):
        pin_source(source(folder, "2026-11-22", 2), folder_settings)
    with pytest.raises(BadInput, match=r"the source has a partition for each day, and none is named; fix: say --partition"):
        pin_source(source(folder, None), folder_settings)


def test_partitions_of_a_bucket(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_server.settings(tmp_path)
    keys = {"aws_access_key_id": s3_server.access_key, "aws_secret_access_key": s3_server.secret_key}
    client = boto3.client("s3", endpoint_url=s3_server.endpoint, region_name="us-east-1", **keys)
    prefix = settings.store.removeprefix(f"s3://{s3_server.bucket}/")
    for day in (20, 21):
        client.put_object(Bucket=s3_server.bucket, Key=f"{prefix}/2026-11-{day}/part.jsonl", Body=str(day).encode())
    assert days(source(settings.store, "2026-11-21", 2), settings) == ["2026-11-20", "2026-11-21"]
    with pytest.raises(
        BadInput, match=r"partition 2026-11-23 is missing: s3://.*/2026-11-23/ has no jsonl file; the nearest one is 2026-11-21"
    ):
        pin_source(source(settings.store, "2026-11-23"), settings)


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    place = tmp_path / "posts.sqlite"
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT, made TIMESTAMP)")
    rows = [(f"Text {number} of the day", f"2026-11-{day} 0{number}:30:00") for day in (20, 21, 26) for number in range(5)]
    connection.executemany("INSERT INTO posts (body, made) VALUES (?, ?)", rows)
    connection.commit()
    connection.close()
    return place


def of_query(posts: Path, partition: str | None, window: int = 1, high_water: str | None = "id", by: Kind = "day") -> Source:
    return Source(
        kind="sql",
        path=str(posts),
        query="SELECT id, body FROM posts WHERE made >= '{partition:%Y-%m-%d %H:00}' AND made < '{next:%Y-%m-%d %H:00}'",
        high_water=high_water,
        columns=Columns(text="body"),
        partitions=Partitions(by=by, window=window),
        partition=partition,
    )


def rows_of(found: Source, settings: Settings) -> list[str]:
    pin = pin_source(found, settings)
    return [f"{row.where}: {row.text}" for row in READERS.load("sql")(found, pin, settings, SilentReporter())]


@pytest.mark.parametrize("high_water", ["id", None])
def test_a_query_reads_the_rows_of_its_partition_or_of_a_window(high_water: str | None, posts: Path, folder_settings: Settings) -> None:
    found = rows_of(of_query(posts, "2026-11-21", high_water=high_water), folder_settings)
    assert [row.partition(": ")[2] for row in found] == [f"Text {number} of the day" for number in range(5)]
    assert found[0].startswith("id=6: " if high_water else "row 1: ")
    assert len(rows_of(of_query(posts, "2026-11-21", 2, high_water), folder_settings)) == 10
    assert len(rows_of(of_query(posts, "2026-11-21T03", high_water=high_water, by="hour"), folder_settings)) == 1
    pin = pin_source(of_query(posts, "2026-11-21", 2, high_water), folder_settings)
    assert [item.name.partition(": ")[0] for item in pin.items] == ["2026-11-20", "2026-11-21"]


def test_a_partition_without_rows_is_missing(posts: Path, folder_settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"^partition 2026-11-24 is missing: the query gives no row; the nearest one is 2026-11-26; fix"):
        pin_source(of_query(posts, "2026-11-24"), folder_settings)
    changed = of_query(posts, "2026-11-21", 2)
    pin = pin_source(changed, folder_settings)
    connection = sqlite3.connect(posts)
    connection.execute("UPDATE posts SET body = 'Other text' WHERE id = 7")
    connection.commit()
    connection.close()
    with pytest.raises(SourceChanged, match=r"the rows of 2026-11-21: id up to 10 changed since they were planned"):
        list(READERS.load("sql")(changed, pin, folder_settings, SilentReporter()))


def test_a_database_file_for_each_partition(posts: Path, folder_settings: Settings) -> None:
    for day in (20, 21):
        copyfile(posts, posts.with_name(f"posts-2026-11-{day}.sqlite"))
    found = of_query(posts, "2026-11-21", 2).model_copy(update={"path": str(posts.with_name("posts-{partition}.sqlite"))})
    assert len(rows_of(found, folder_settings)) == 10
    missing = found.model_copy(update={"partition": "2026-11-26"})
    with pytest.raises(
        BadInput, match=r"2026-11-25 of the window .* is missing: no SQLite file .*posts-2026-11-25.sqlite; the nearest one is 2026-11-21"
    ):
        pin_source(missing, folder_settings)


def test_folders_of_a_dataset_of_the_hub(folder: Path, folder_settings: Settings) -> None:
    found = Source(kind="hub", path=f"{folder}/{{partition}}", partitions=Partitions(by="day", window=2), partition="2026-11-21")
    assert days(found, folder_settings) == ["2026-11-20", "2026-11-21"]
    (folder / "2026-11-23").mkdir()
    for day, said in {24: f"no folder {folder}/2026-11-24", 23: f"{folder}/2026-11-23 has no data file"}.items():
        missing = found.model_copy(update={"partitions": Partitions(by="day"), "partition": f"2026-11-{day}"})
        with pytest.raises(BadInput, match=rf"^partition 2026-11-{day} is missing: {said}; the nearest one is 2026-11-22; fix"):
            pin_source(missing, folder_settings)
