"""Datasets of the hub, from a server that answers as it does, and from folders."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa
import pytest
from fixtures.hub import NAME, Dataset
from huggingface_hub import HfApi
from pyarrow import parquet
from pydantic import SecretStr

from pipeline.corpus.documents import Record
from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput, SourceChanged, TrainshedError, Unavailable
from pipeline.recipe import Columns, Source
from pipeline.recipe.source_checks import source_problem
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS
from pipeline.sources.base import MissingSource, Pin

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings


def rows(name: str, count: int = 3) -> list[dict[str, Any]]:
    return [{"text": f"Text {number} of {name}.", "label": number} for number in range(count)]


def as_lines(name: str, count: int = 3) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows(name, count))


def as_parquet(name: str, count: int = 3) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows(name, count)), out)
    return out.getvalue()


CARD = """---
license: mit
configs:
- config_name: en
  default: true
  data_files:
  - split: train
    path: en/train-*
  - split: test
    path: [en/test.parquet]
- config_name: de
  data_dir: deutsch
---
# Notes
"""


@pytest.fixture
def settings(dataset: Dataset, tmp_path: Path, folder_settings: Settings) -> Settings:
    return folder_settings.model_copy(
        update={"home": tmp_path, "hub_endpoint": dataset.url, "source_roots": (dataset.url, str(tmp_path)), "s3_retry_s": 1.0}
    )


@pytest.fixture
def with_card(dataset: Dataset) -> Dataset:
    dataset.files = {
        "README.md": CARD.encode(),
        ".gitattributes": b"*.parquet filter=lfs",
        "en/train-00000-of-00002.parquet": as_parquet("train 0"),
        "en/train-00001-of-00002.parquet": as_parquet("train 1", 400),
        "en/test.parquet": as_parquet("test"),
        "deutsch/a b#c.parquet": as_parquet("deutsch"),
        "en/picture.png": b"x",
    }
    return dataset


def source(path: str = NAME, **fields: Any) -> Source:
    return Source(kind="hub", path=path, columns=Columns(target="label"), **fields)


def pinned(wanted: Source, settings: Settings) -> Pin:
    found: Pin = PINNERS.load("hub")(wanted, settings)
    return found


def texts(wanted: Source, settings: Settings) -> list[str]:
    found = READERS.load("hub")(wanted, pinned(wanted, settings), settings, SilentReporter())
    return [row.text for row in found if isinstance(row, Record)]


def names(pin: Pin) -> list[str]:
    return [pin.path(item) for item in pin.items]


def test_a_branch_is_pinned_to_its_commit_and_read_as_the_library_reads_it(with_card: Dataset, settings: Settings, tmp_path: Path) -> None:
    pin = pinned(source(split="train"), settings)
    assert names(pin) == ["en/train-00000-of-00002.parquet", "en/train-00001-of-00002.parquet"]
    assert all(f"/resolve/{with_card.commit}/" in item.name for item in pin.items)
    api = HfApi(endpoint=with_card.url, token=False)
    assert api.dataset_info(NAME, revision="main").sha == with_card.commit
    theirs = {entry.path: entry for entry in api.list_repo_tree(NAME, recursive=True, repo_type="dataset") if hasattr(entry, "size")}
    assert set(theirs) == set(with_card.files)
    expected = []
    for item in pin.items:
        path = pin.path(item)
        entry = theirs[path]
        assert item.size == entry.size
        assert item.revision == (f"sha256:{entry.lfs.sha256}" if entry.lfs else f"blob:{entry.blob_id}")
        place = api.hf_hub_download(NAME, path, repo_type="dataset", local_dir=tmp_path / "theirs")
        expected += parquet.read_table(place)["text"].to_pylist()
    assert texts(source(split="train"), settings) == expected
    assert {item.revision.partition(":")[0] for item in pin.items} == {"sha256", "blob"}


def test_a_commit_that_changes_no_rows_changes_no_identity(with_card: Dataset, settings: Settings) -> None:
    before = pinned(source(), settings)
    with_card.commit, with_card.files["README.md"] = "b" * 40, CARD.encode() + b"more words"
    after = pinned(source(), settings)
    assert after.items != before.items
    assert after.digest == before.digest
    with_card.files["en/test.parquet"] = as_parquet("another test")
    assert pinned(source(), settings).digest != before.digest


def test_a_file_that_is_not_the_pinned_one_is_found(with_card: Dataset, settings: Settings) -> None:
    for path in ("en/train-00000-of-00002.parquet", "en/train-00001-of-00002.parquet"):
        pin = pinned(source(path=f"{NAME}/{path}"), settings)
        data = bytearray(with_card.files[path])
        original, data[len(data) // 2] = bytes(data), data[len(data) // 2] ^ 1
        with_card.files[path] = bytes(data)
        # the store of large files finds bytes by their digest
        with_card.large_from = 10**9
        with pytest.raises(SourceChanged):
            list(READERS.load("hub")(source(), pin, settings, SilentReporter()))
        with_card.files[path], with_card.large_from = original, 2000


def test_a_connection_that_breaks_goes_on_where_it_broke(with_card: Dataset, settings: Settings) -> None:
    settings = settings.model_copy(update={"s3_retry_s": 10.0})
    wanted = source(path=f"{NAME}/en/train-00001-of-00002.parquet")
    pin = pinned(wanted, settings)
    with_card.breaks_after = 1000
    assert len(list(READERS.load("hub")(wanted, pin, settings, SilentReporter()))) == 400
    assert with_card.breaks_after is None


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, ["test", "train 0", "train 1"]),
        ({"config": "de"}, ["deutsch"]),
        ({"split": "test"}, ["test"]),
        ({"path": f"{NAME}/en/train-00000*"}, ["train 0"]),
        ({"revision": "a" * 40, "split": "test"}, ["test"]),
        ({"revision": "refs/convert/parquet", "split": "test"}, ["test"]),
    ],
)
def test_configurations_and_splits_of_a_card(fields: dict[str, Any], found: list[str], with_card: Dataset, settings: Settings) -> None:
    assert sorted({text.partition(" of ")[2].rstrip(".") for text in texts(source(**fields), settings)}) == found


@pytest.mark.parametrize(
    ("paths", "split", "found"),
    [
        (["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"], "train", ["data/train-00000-of-00001.parquet"]),
        (["dev.parquet", "train.parquet", "constraint.parquet"], "validation", ["dev.parquet"]),
        (["eval/a.parquet", "training/a.parquet", "a_test.parquet"], "test", ["eval/a.parquet"]),
        (["de/train/0000.parquet", "en/train/0000.parquet"], None, ["de/train/0000.parquet", "en/train/0000.parquet"]),
        (["unsupervised.parquet", "train.parquet"], "unsupervised", ["unsupervised.parquet"]),
    ],
)
def test_splits_without_a_card_as_the_library_finds_them(
    paths: list[str], split: str | None, found: list[str], dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.files = {path: as_parquet(path) for path in paths}
    assert names(pinned(source(split=split), settings)) == found
    if split in {"train", "validation", "test"}:
        for path in paths:
            (tmp_path / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "copy" / path).write_bytes(dataset.files[path])
        patterns = datasets.data_files.get_data_patterns(str(tmp_path / "copy"))
        theirs = datasets.data_files.DataFilesList.from_patterns(patterns[split], base_path=str(tmp_path / "copy"))
        assert sorted(place.removeprefix(f"{tmp_path}/copy/") for place in theirs) == found


def test_a_configuration_without_a_card_is_a_folder(dataset: Dataset, settings: Settings) -> None:
    dataset.files = {path: as_parquet(path) for path in ("de/train/0000.parquet", "de/test/0000.parquet", "en/train/0000.parquet")}
    assert names(pinned(source(config="de", split="train"), settings)) == ["de/train/0000.parquet"]


def test_an_answer_that_is_not_the_hubs_is_one_line(dataset: Dataset, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset.files = {"a.jsonl": as_lines("a")}
    monkeypatch.setattr(Dataset, "entry", lambda *_: {"kind": "file"})
    with pytest.raises(BadInput, match="does not answer as a hub does for org/notes"):
        pinned(source(), settings)
    monkeypatch.setattr(dataset, "commit", "no commit")
    with pytest.raises(BadInput, match="does not answer as a hub does for org/notes"):
        pinned(source(), settings)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.csv", "rows.parquet", "rows.txt"])
def test_files_of_each_format(name: str, dataset: Dataset, settings: Settings) -> None:
    lines = as_lines("all")
    data = {
        "rows.jsonl": lines,
        "rows.jsonl.gz": gzip.compress(lines),
        "rows.csv": b"text,label\n" + b"".join(f"{row['text']},{row['label']}\n".encode() for row in rows("all")),
        "rows.parquet": as_parquet("all"),
        "rows.txt": b"Text 0 of all.",
    }
    dataset.files = (
        {name: data[name], "README.md": b"# no configurations", "notes.md": b"Nothing"} if name != "rows.txt" else {name: data[name]}
    )
    assert texts(source(), settings)[0] == "Text 0 of all."


def test_the_token_goes_to_the_hub_and_to_no_other_server(with_card: Dataset, settings: Settings) -> None:
    with_card.token = "planted-token"
    with pytest.raises(BadInput, match=r"or it is not public; fix: .*set HF_TOKEN") as raised:
        pinned(source(), settings)
    assert "planted" not in str(raised.value)
    with_token = settings.model_copy(update={"hub_token": SecretStr("planted-token"), "hub_endpoint": with_card.url + "/"})
    assert len(texts(source(split="train"), with_token)) == 403
    other = settings.model_copy(
        update={"hub_token": SecretStr("planted-token"), "hub_endpoint": with_card.url.replace("127.0.0.1", "localhost")}
    )
    other = other.model_copy(update={"source_roots": (*settings.source_roots, other.hub_endpoint or "")})
    with_card.asked.clear()
    assert len(texts(source(split="train"), other)) == 403
    sent = [authorization for _, path, authorization in with_card.asked if path.startswith("/cdn/")]
    assert sent
    assert not any(sent)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": "org/other"}, "the hub has no dataset org/other@main, or it is not public"),
        ({"revision": "v9"}, "the hub has no dataset org/notes@v9"),
        ({"config": "fr"}, "unknown configuration of org/notes in data.source.config: 'fr'; expected one of: de, en"),
        ({"split": "tests"}, "unknown split of org/notes in data.source.split: 'tests'; .* did you mean 'test'"),
        ({"path": f"{NAME}/fr"}, "org/notes has no data file in fr"),
    ],
)
def test_what_is_not_there_is_one_line(fields: dict[str, Any], message: str, with_card: Dataset, settings: Settings) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        pinned(source(**fields), settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"notes.py": b"import os; os.abort()"},
            r"made by notes\.py, which is never run; fix: set data\.source\.revision to refs/convert/parquet",
        ),
        ({"a.parquet": b"x", "b.jsonl": b"{}"}, r"files of several formats: a\.parquet, b\.jsonl"),
        ({"model.bin": b"x"}, "has no data file; it has model.bin"),
        ({"empty.jsonl": b""}, "every file .* is empty"),
        ({"README.md": b"---\nconfigs: [{config_name: a}, {config_name: b}]\n---\n", "a.csv": b"text"}, "has 2 configurations: a, b"),
    ],
)
def test_a_dataset_without_readable_rows_is_one_line(files: dict[str, bytes], message: str, dataset: Dataset, settings: Settings) -> None:
    dataset.files = files
    with pytest.raises(BadInput, match=message) as raised:
        pinned(source(), settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "card", ["---\nconfigs: [\n---\n", "---\nconfigs: 5\n---", "---\n- a\n---\n", "---\nconfigs: [5, {x: 1}]\n---\n", "\xff"]
)
def test_a_broken_card_is_none(card: str, dataset: Dataset, settings: Settings) -> None:
    dataset.files = {"README.md": card.encode("latin-1"), "a.jsonl": as_lines("a")}
    assert len(texts(source(), settings)) == 3


@pytest.mark.parametrize(
    "changes", [{"hub_offline": True}, {"hub_endpoint": "http://127.0.0.1:9", "source_roots": ("http://127.0.0.1:9",)}]
)
def test_without_a_network_it_is_one_line(changes: dict[str, Any], settings: Settings) -> None:
    with pytest.raises(
        Unavailable, match=r"the hub is unreachable for org/notes: .*; fix: .* name the folder in data\.source\.path"
    ) as raised:
        pinned(source(), settings.model_copy(update=changes))
    assert "\n" not in str(raised.value)


def test_a_container_without_a_network_says_so(settings: Settings) -> None:
    with pytest.raises(BadInput, match="this container reaches only S3 and MLflow"):
        pinned(source(), settings.model_copy(update={"container_network": "none"}))


@pytest.mark.parametrize("in_splits", [False, True])
def test_a_folder_of_save_to_disk_needs_no_network(in_splits: bool, settings: Settings, tmp_path: Path) -> None:
    saved = datasets.Dataset.from_list(rows("train", 10))
    whole: Any = datasets.DatasetDict({"train": saved, "test": datasets.Dataset.from_list(rows("test"))}) if in_splits else saved
    whole.save_to_disk(tmp_path / "saved")
    (next((tmp_path / "saved").rglob("*.arrow")).parent / "cache-0123456789abcdef.arrow").write_bytes(b"left by map")
    offline = settings.model_copy(update={"hub_offline": True})
    assert len(texts(source("./saved"), offline)) == (13 if in_splits else 10)
    if in_splits:
        assert len(texts(source("./saved", split="train"), offline)) == 10
    assert [found.reason for found in pinned(source("./saved"), offline).left_out] == ["working"]


def test_a_cached_snapshot_needs_no_network(with_card: Dataset, settings: Settings, tmp_path: Path) -> None:
    api = HfApi(endpoint=with_card.url, token=False)
    place = api.snapshot_download(NAME, repo_type="dataset", cache_dir=tmp_path / "cache")
    offline = settings.model_copy(update={"hub_offline": True})
    assert texts(source(place, split="train"), offline) == texts(source(split="train"), settings)
    with pytest.raises(MissingSource, match="no folder"):
        pinned(source("./gone"), offline)
    with pytest.raises(TrainshedError, match="may not be read"):
        pinned(source("/etc"), offline)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": "notes"}, "data.source.path 'notes'"),
        ({"path": "org/../etc"}, "data.source.path"),
        ({"path": "https://huggingface.co/datasets/org/notes"}, "data.source.path"),
        ({"path": "./saved", "revision": "main"}, "data.source.revision with the folder"),
    ],
)
def test_a_recipe_names_a_dataset(fields: dict[str, Any], message: str) -> None:
    problem = source_problem(Source(kind="hub", **fields))
    assert problem
    assert message in problem[0]
