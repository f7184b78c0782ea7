"""Bad input on the command line: one line with a fix, the right exit code, and no partial artifact."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import yaml
from fixtures.prestarted import components
from pyarrow import parquet

from pipeline import cli
from pipeline.artifacts.manifest import blob_key
from pipeline.recipe.overrides import replace_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.line import Line

pytestmark = pytest.mark.timeout(600)  # a whole stack comes up first

LINE = re.compile(r"trainshed: .+; fix: .+\n", re.DOTALL)


@pytest.fixture
def recipe(make_line: Callable[..., Line], tmp_path: Path) -> Path:
    """A recipe file whose store and MLflow the command line finds in the environment."""
    line = make_line()
    path = tmp_path / f"{line.recipe.name}.yaml"
    path.write_text(yaml.safe_dump(line.recipe.model_dump(mode="json", exclude_unset=True)))
    return path


@pytest.fixture
def line(make_line: Callable[..., Line]) -> Line:
    return make_line()


def trainshed(*words: object) -> int:
    return cli.run([str(word) for word in words])


def one_line(capsys: pytest.CaptureFixture[str], told: str) -> None:
    """The error just told is one line that ends with a fix and holds ``told``."""
    err = capsys.readouterr().err
    assert LINE.fullmatch(err), err
    assert err.count("\n") == 1
    assert told in err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TRAINSHED_S3_SECRET_KEY": "wrong"}, "permission denied (SignatureDoesNotMatch)"),
        ({"TRAINSHED_S3_ACCESS_KEY": "nobody"}, "permission denied (InvalidAccessKeyId)"),
        ({"TRAINSHED_STORE": "s3://nowhere"}, "no bucket 'nowhere'"),
        ({"TRAINSHED_STORE": "s3://No_Such!"}, 'Invalid bucket name "No_Such!"'),
        ({"TRAINSHED_STORE": "fil:///x"}, "did you mean 'file'?"),
        ({"TRAINSHED_S3_ENDPOINT": "nonsense"}, "S3 endpoint 'nonsense'"),
        ({"TRAINSHED_MLFLOW_URI": "nonsense"}, "no MLflow at 'nonsense'"),
    ],
)
def test_a_wrong_setting_is_exit_2(recipe, monkeypatch, capsys, changes, told):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert trainshed("run", recipe, "--local") == 2
    one_line(capsys, told)


@pytest.mark.parametrize("server", ["S3_ENDPOINT", "MLFLOW_URI"])
def test_a_server_that_is_down_is_exit_75_after_a_bounded_wait(recipe, monkeypatch, capsys, server):
    monkeypatch.setenv(f"TRAINSHED_{server}", "http://127.0.0.1:9")
    monkeypatch.setenv("TRAINSHED_S3_RETRY_S", "0.5")
    monkeypatch.setenv("TRAINSHED_MLFLOW_RETRY_S", "0.5")
    assert trainshed("run", recipe, "--local") == 75
    one_line(capsys, "does not answer: connection refused")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plan", "pydosc"], "did you mean 'pydocs'?"),
        (["plan", "nowhere.yaml"], "cannot read recipe nowhere.yaml"),
        (["plan", "{recipe}", "--set", "finetuning.leraning_rate=1"], "did you mean 'finetuning.learning_rate'?"),
        (["plan", "{recipe}", "--set", "finetuning.steps=0"], "finetuning.steps = 0; expected greater than or equal to 1;"),
        (["plan", "{recipe}", "--set", "registration.gate.threshold=0"], "--set: a run cannot change registration.gate.threshold"),
        (["run", "{recipe}", "--local", "--set", "data.source.path=/etc/passwd"], "--set: a run cannot change data.source.path"),
        (["run", "{recipe}", "--local", "--force", "finetune"], "did you mean 'finetuning'?"),
    ],
)
def test_a_wrong_recipe_is_exit_2(recipe, capsys, words, told):
    assert trainshed(*(word.format(recipe=recipe) for word in words)) == 2
    one_line(capsys, told)


def changed(line: Line, folder: Path, **fields: object) -> Path:
    """The recipe's file with another source."""
    recipe = replace_fields(line.recipe, {f"data.source.{name}": value for name, value in fields.items()}, "a test")
    path = folder / f"{recipe.name}.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", exclude_defaults=True)))
    return path


@pytest.mark.parametrize(
    ("place", "told"),
    [("/nowhere/*.jsonl", "finds no jsonl file"), ("{empty}", "is empty"), ("s3://nowhere/x", "no bucket for s3://nowhere/x")],
)
def test_a_source_without_data_is_exit_2(line, tmp_path, capsys, place, told):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert trainshed("plan", changed(line, tmp_path, path=place.format(empty=empty))) == 2
    one_line(capsys, told)


def rows_of(line: Line) -> list[bytes]:
    return Path(line.recipe.data.source.path).read_bytes().splitlines()


def corrupt_parquet(line: Line, folder: Path) -> Path:
    path = folder / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist([json.loads(row) for row in rows_of(line)]), path)
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)
    path.write_bytes(data)
    return path


def half_unreadable(line: Line, folder: Path) -> Path:
    path = folder / "half.jsonl"
    path.write_bytes(b"\n".join(row[:25] + b"\xff" + row[25:] if index % 2 else row for index, row in enumerate(rows_of(line))))
    return path


@pytest.mark.parametrize(
    ("kind", "make", "told"),
    [
        ("parquet", corrupt_parquet, "is not a complete Parquet file"),
        ("jsonl", half_unreadable, "200 of 400 records could not be read: 200 times not UTF-8"),
    ],
)
def test_data_that_cannot_be_read_ends_the_step_and_leaves_no_artifact(line, tmp_path, capsys, kind, make, told):
    assert trainshed("run", changed(line, tmp_path, kind=kind, path=str(make(line, tmp_path))), "--local") == 2
    one_line(capsys, f"ingestion: {told}" if kind == "jsonl" else told)
    store = line.artifacts.store
    # the cleaned chunk stays: a run that allows more such records does not read the source again
    kept = [json.loads(store.get(stat.key).data) for stat in store.list("intermediates/")]
    assert len(kept) == (kind == "jsonl")
    assert {stat.key for stat in store.list("blobs/")} == {blob_key(entry["sha256"]) for one in kept for entry in one["files"]}
    assert list(store.list("manifests/")) == []
    assert components("ingestion") == []
    assert not list((line.settings.state / "scratch").glob("*"))


def test_two_records_that_are_not_utf8_are_skipped_and_the_rest_is_used(line, tmp_path, capsys):
    """Two of four hundred are below the allowed share."""
    data = tmp_path / "some.jsonl"
    data.write_bytes(b"\n".join(row[:25] + b"\xff" + row[25:] if index < 2 else row for index, row in enumerate(rows_of(line))))
    # a file that is no tokenizer ends the run after ingestion, which is all that is tested here
    line.recipe = replace_fields(line.recipe, {"tokenizer.given": str(data), "tokenizer.given_sha256": "0" * 64}, "a test")
    assert trainshed("run", changed(line, tmp_path, path=str(data)), "--local") == 2
    out = capsys.readouterr().out
    assert "ingestion done " in out
    assert "read=400 kept=398 quarantined=2" in out
    (corpus,) = line.artifacts.manifests()
    assert corpus.counts["quarantined"] == 2
