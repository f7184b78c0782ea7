"""S3 addresses: a prefix ends at a folder, one object is one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from pipeline.errors import BadInput, SourceChanged
from pipeline.recipe import Source
from pipeline.sources.bucket import open_object
from pipeline.sources.files import pin

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.s3 import S3Server

    from pipeline.settings import Settings

KEYS = (
    "train/a.jsonl",
    "train/deep/b.jsonl",
    "train/_temporary/0/c.jsonl",
    "train/.d.jsonl",
    "train/e.csv",
    "train-old/x.jsonl",
    "training.jsonl",
    "train/empty.jsonl",
)


@pytest.fixture
def client(s3_server: S3Server) -> Any:
    """A client of the server."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )


@pytest.fixture
def put(client: Any, s3_server: S3Server, s3_settings: Settings) -> Callable[[str, bytes], str]:
    """Write an object below a root of its own, and return its address."""
    root = f"{s3_settings.store.removeprefix('s3://').partition('/')[2]}/source"

    def write(key: str, body: bytes = b"{}\n") -> str:
        client.put_object(Bucket=s3_server.bucket, Key=f"{root}/{key}", Body=body)
        return f"s3://{s3_server.bucket}/{root}/{key}"

    for key in KEYS:
        write(key, b"" if "empty" in key else b"{}\n")
    write.root = f"s3://{s3_server.bucket}/{root}"  # type: ignore[attr-defined]
    return write


def found(address: str, settings: Settings) -> tuple[list[str], dict[str, int]]:
    pinned = pin(Source(kind="jsonl", path=address), settings)
    return sorted(item.name.rpartition("/source/")[2] for item in pinned.items), {row.reason: row.count for row in pinned.left_out}


@pytest.mark.parametrize("end", ["", "/"])
def test_a_prefix_ends_at_a_folder(end: str, put: Callable[[str], str], s3_settings: Settings) -> None:
    left_out = {"working": 2, "other_format": 1, "empty": 1}
    assert found(f"{put.root}/train{end}", s3_settings) == (["train/a.jsonl", "train/deep/b.jsonl"], left_out)


def test_one_object_is_one_object_whatever_its_ending(put: Callable[[str], str], s3_settings: Settings) -> None:
    put("training.jsonl.bak")
    put("training.jsonl/below.jsonl")
    assert found(f"{put.root}/training.jsonl", s3_settings) == (["training.jsonl"], {})
    assert found(f"{put.root}/train/e.csv", s3_settings) == (["train/e.csv"], {})


def test_a_part_of_a_name_finds_nothing_and_says_why(put: Callable[[str], str], s3_settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"finds no jsonl file; .*; a prefix ends at a folder: .*/trai/$"):
        pin(Source(kind="jsonl", path=f"{put.root}/trai"), s3_settings)


def test_a_glob_names_objects(put: Callable[[str], str], s3_settings: Settings) -> None:
    assert found(f"{put.root}/train*/*.jsonl", s3_settings) == (["train-old/x.jsonl", "train/a.jsonl"], {"working": 1, "empty": 1})
    assert found(f"{put.root}/train/**/*.jsonl", s3_settings)[0] == ["train/a.jsonl", "train/deep/b.jsonl"]


def test_a_key_that_looks_like_a_glob_is_found_by_its_own_name(put: Callable[[str], str], s3_settings: Settings) -> None:
    put("odd/a[1].jsonl")
    assert found(f"{put.root}/odd/a[1].jsonl", s3_settings) == (["odd/a[1].jsonl"], {})


def test_an_address_with_two_dots_is_refused(put: Callable[[str], str], s3_settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"has a part '\.\.'; expected the whole key"):
        pin(Source(kind="jsonl", path=f"{put.root}/train/../training.jsonl"), s3_settings)


def test_an_object_that_changed_since_it_was_pinned_is_not_read(put: Callable[..., str], s3_settings: Settings) -> None:
    item = pin(Source(kind="jsonl", path=f"{put.root}/training.jsonl"), s3_settings).items[0]
    put("training.jsonl", b"other\n")
    with pytest.raises(SourceChanged, match="changed since it was planned"):
        open_object(item.name, item.revision.removeprefix("etag:"), s3_settings)


def read_planned(address: str, settings: Settings, client: Any) -> bytes:
    """What a run reads that was planned before the object was replaced, and then deleted."""
    (item,) = pin(Source(kind="jsonl", path=address), settings).items
    bucket, _, key = address.removeprefix("s3://").partition("/")
    client.put_object(Bucket=bucket, Key=key, Body=b"replaced\n")
    client.delete_object(Bucket=bucket, Key=key)
    data: bytes = open_object(item.name, item.revision.removeprefix("etag:"), settings, item.version).read()
    return data


def test_a_bucket_that_keeps_versions_gives_the_planned_one(client: Any, s3_settings: Settings) -> None:
    client.create_bucket(Bucket="versioned")
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first\n", b"second\n"):
        client.put_object(Bucket="versioned", Key="a.jsonl", Body=body)
    client.put_object(Bucket="versioned", Key="gone.jsonl", Body=b"x")
    client.delete_object(Bucket="versioned", Key="gone.jsonl")
    before = pin(Source(kind="jsonl", path="s3://versioned/"), s3_settings)
    assert [item.name for item in before.items] == ["s3://versioned/a.jsonl"], "neither old versions nor deleted objects"
    assert pin(Source(kind="jsonl", path="s3://versioned/a.jsonl"), s3_settings).items == before.items
    assert read_planned("s3://versioned/a.jsonl", s3_settings, client) == b"second\n"
    # the identity is that of the bytes: written again, they are no new data
    client.put_object(Bucket="versioned", Key="a.jsonl", Body=b"second\n")
    after = pin(Source(kind="jsonl", path="s3://versioned/"), s3_settings)
    assert after.digest == before.digest
    assert after.items[0].version != before.items[0].version


def test_another_bucket_says_that_the_object_changed(put: Callable[[str, bytes], str], client: Any, s3_settings: Settings) -> None:
    with pytest.raises(SourceChanged):
        read_planned(put("again.jsonl", b"first\n"), s3_settings, client)
