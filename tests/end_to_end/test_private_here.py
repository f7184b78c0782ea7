"""Private data in a source of a whole line: in no artifact, log, progress or field of MLflow; and hidden in requests to the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fixtures.planted import MARK, holds, in_database, in_files, in_store, shown

from pipeline.recipe.overrides import replace_fields
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.line import Line
    from fixtures.mlflow import Server
    from fixtures.s3 import S3Server

pytestmark = pytest.mark.timeout(600)  # a whole line runs

VALUES = {"email": f"ada.{MARK}@example.org", "token": f"ghp_{MARK}{'a1' * 10}"}
"""Values that hold the mark that the search looks for."""


def test_nothing_private_leaves_ingestion(make_line, s3_server: S3Server, mlflow_server: Server, tmp_path: Path) -> None:
    line: Line = make_line()
    rows = [json.loads(row) for row in (tmp_path / "rows.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        value = [*VALUES.values(), f"https://bob:{MARK}@host/x"][number % 3]
        row["body"] += f" It was sent to {value}, and the key is password={MARK}{number}x."
        if number % 4 == 0:
            row |= {"summary": f"{row['summary']} Ask {value}.", "name": f"{row['name']} {value}"}
        if number % 50 == 0:
            row["shop"] = f"shop of {value}"
    lines = [json.dumps(row) for row in rows]
    lines += [f'{{"body": "{MARK} is in a broken line', json.dumps({"body": [VALUES["email"]], "summary": "x", "name": "", "shop": ""})]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    assert holds((tmp_path / "rows.jsonl").read_bytes())

    line.recipe = replace_fields(line.recipe, {"data.cleaning": [{"kind": "private"}], "data.filter.max_quarantined": 0.1}, "a test")
    heard = line.run()
    counts = line.manifest("ingestion").counts
    assert counts["quarantined"] == 2
    assert counts["changed_private"] >= 400
    assert min(counts["private_email"], counts["private_token"]) > 100

    (tmp_path / "rows.jsonl").unlink()
    keys: list[str] = []
    prefix = line.settings.store.removeprefix(f"s3://{s3_server.bucket}/")
    found = {key: place for key, place in in_store(line.settings, s3_server.bucket, keys.append).items() if key.startswith(prefix)}
    assert found == {}
    assert any("/blobs/" in key for key in keys)
    assert in_files(line.settings.state) == {}
    assert in_files(mlflow_server.folder) == {}
    tables: set[str] = set()
    assert in_database(mlflow_server.folder / "mlflow.db", tables.add) == {}
    assert {"metrics", "params", "tags"} <= tables
    said = "\n".join(heard.lines).encode()
    assert not holds(said), shown(said)

    model = line.artifacts.open(line.manifest("finetuning"), tmp_path / "model")
    assert MARK not in Answerer.load(model).document({"text": f"It was sent to {VALUES['email']} by bob.", "name": VALUES["token"]}).text
