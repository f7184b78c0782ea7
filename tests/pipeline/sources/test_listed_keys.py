"""Keys that a listing shows and no reader may touch: a server may take ``..`` for a folder above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe import Source
from pipeline.sources import files
from pipeline.sources.bucket import S3Object

if TYPE_CHECKING:
    import pytest

    from pipeline.settings import Settings


def test_keys_with_two_dots_are_left_out_and_counted(folder_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [S3Object(f"s3://b/train/{key}", "e", 3) for key in ("a.jsonl", "../secret.jsonl", "x/../../y.jsonl", "..a.jsonl", "folder/")]
    monkeypatch.setattr(files, "list_objects", lambda address, settings: listed)
    pinned = files.pin(Source(kind="jsonl", path="s3://b/train"), folder_settings)
    assert [item.name for item in pinned.items] == ["s3://b/train/a.jsonl"]
    assert {row.reason: row.count for row in pinned.left_out} == {"unsafe": 2, "working": 1}
