"""Objects of a bucket as a start, on a real S3 server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.artifacts.s3_client import s3_client
from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.s3 import S3Server

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}


@pytest.fixture
def settings(s3_server: S3Server, tmp_path: Path):
    return s3_server.settings(tmp_path)


@pytest.fixture
def put(settings, s3_server: S3Server, tmp_path: Path):
    """Write an object below a prefix of this test; give its address."""
    client = s3_client(settings.s3_endpoint, settings.s3_region, settings.s3_keys)

    def do(key: str, data: bytes) -> str:
        client.put_object(Bucket=s3_server.bucket, Key=f"starts/{tmp_path.name}/{key}", Body=data)
        return f"s3://{s3_server.bucket}/starts/{tmp_path.name}/{key}"

    return do


def test_the_objects_directly_below_a_prefix_are_pinned_by_etag_and_read(put, fetch) -> None:
    for name, data in FILES.items():
        address = put(f"bert/{name}", data).rpartition("/")[0]
    put("bert/onnx/model.onnx", b"x")
    put("bert-large/model.safetensors", b"another model")
    pin, files = fetch(address)
    assert files == FILES
    assert {item.revision.partition(":")[0] for item in pin.items} == {"etag"}
    assert fetch(f"{address}/")[0] == pin


def test_an_object_that_changed_since_the_plan_is_not_used(put, fetch) -> None:
    address = put("one/small.gguf", b"first")
    pin, files = fetch(address)
    assert files == {"small.gguf": b"first"}
    put("one/small.gguf", b"other")
    with pytest.raises(Unavailable, match="changed since it was planned"):
        fetch(address, pin)


@pytest.mark.parametrize(
    ("files", "name", "words"),
    [
        ([], "", "no weights in s3://"),
        (["pytorch_model.bin"], "", r"its weights in pytorch_model\.bin"),
        (["a.gguf"], "/b.gguf", r"no object s3://.*b\.gguf"),
    ],
)
def test_a_prefix_without_weights_is_refused(put, fetch, files: list[str], name: str, words: str) -> None:
    address = put("bad/README.md", b"#").rpartition("/")[0]
    for file in files:
        put(f"bad/{file}", b"x")
    with pytest.raises(BadInput, match=words):
        fetch(address + name)
