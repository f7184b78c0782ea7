"""Pinning files: which are found, in which order, and what their revision follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from pipeline.errors import BadInput, Unavailable
from pipeline.recipe import Source
from pipeline.sources.files import pin

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.s3 import S3Server

    from pipeline.settings import Settings


def names(source: Source, settings: Settings) -> list[str]:
    return [item.name.rpartition("/")[2] for item in pin(source, settings).items]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    (place / "deep").mkdir(parents=True)
    for name in ("part-10.jsonl", "part-2.jsonl", "deep/part-3.jsonl.gz", "note.txt", "part-1.csv"):
        (place / name).write_text("x")
    (place / "part-4.jsonl").write_text("")
    return place


def test_path_folder_and_glob_find_files_in_natural_order_without_empty_ones(folder: Path, folder_settings: Settings) -> None:
    assert names(Source(kind="jsonl", path=str(folder / "note.txt")), folder_settings) == ["note.txt"]
    assert names(Source(kind="jsonl", path=str(folder)), folder_settings) == ["part-3.jsonl.gz", "part-2.jsonl", "part-10.jsonl"]
    assert names(Source(kind="jsonl", path=f"{folder}/part-*.jsonl"), folder_settings) == ["part-2.jsonl", "part-10.jsonl"]


def test_a_relative_path_starts_at_the_checkout(folder: Path, folder_settings: Settings) -> None:
    settings = folder_settings.model_copy(update={"home": folder})
    assert names(Source(kind="text", path="note.txt"), settings) == ["note.txt"]


@pytest.mark.parametrize(
    ("path", "told"), [(None, "no path"), ("nowhere/*.jsonl", "finds no jsonl file"), ("part-4.jsonl", "is empty"), ("s3://", "no bucket")]
)
def test_nothing_to_read_is_told_in_one_line(folder: Path, folder_settings: Settings, path: str | None, told: str) -> None:
    settings = folder_settings.model_copy(update={"home": folder})
    with pytest.raises(BadInput, match=told) as caught:
        pin(Source(kind="jsonl", path=path), settings)
    assert "\n" not in str(caught.value)


def test_the_digest_follows_content_and_name_but_not_the_folder(folder: Path, folder_settings: Settings) -> None:
    def digest(path: Path) -> str:
        return pin(Source(kind="text", path=str(path)), folder_settings).digest

    first = digest(folder / "note.txt")
    copy = folder / "deep" / "note.txt"
    copy.write_text("x")
    assert digest(copy) == first
    copy.write_text("y")
    assert digest(copy) != first


def test_objects_below_a_prefix_are_pinned_by_etag(s3_server: S3Server, s3_settings: Settings) -> None:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )
    root = f"{s3_settings.store.removeprefix('s3://').partition('/')[2]}/source"
    for name in ("b-10.jsonl", "b-9.jsonl.zst", "other.csv"):
        client.put_object(Bucket=s3_server.bucket, Key=f"{root}/{name}", Body=b"{}")
    source = Source(kind="jsonl", path=f"s3://{s3_server.bucket}/{root}/")
    first = pin(source, s3_settings)
    assert [item.name.rpartition("/")[2] for item in first.items] == ["b-9.jsonl.zst", "b-10.jsonl"]
    assert all(item.revision.startswith("etag:") for item in first.items)
    client.put_object(Bucket=s3_server.bucket, Key=f"{root}/b-10.jsonl", Body=b"{ }")
    assert pin(source, s3_settings).digest != first.digest


def test_a_bucket_that_is_missing_refused_or_unreachable_has_its_own_message(s3_server: S3Server, tmp_path: Path) -> None:
    def ask(bucket: str, **changes: object) -> None:
        pin(Source(kind="jsonl", path=f"s3://{bucket}/x"), s3_server.settings(tmp_path, s3_retry_s=1.0, **changes))

    with pytest.raises(BadInput, match="no bucket"):
        ask("not-there-at-all")
    with pytest.raises(BadInput, match="AWS_ACCESS_KEY_ID"):
        ask(s3_server.bucket, s3_access_key="nobody")
    with pytest.raises(Unavailable, match="is unreachable"):
        ask(s3_server.bucket, s3_endpoint="http://127.0.0.1:9")
