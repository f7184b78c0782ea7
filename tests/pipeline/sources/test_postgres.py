"""Rows of a PostgreSQL server: its types, its errors, and that nothing is written to it or told about it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.line import small_recipe
from fixtures.postgres import PASSWORD
from pydantic import SecretStr

from pipeline.artifacts import open_artifacts
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput, SourceChanged, TrainshedError, Unavailable
from pipeline.planning import prepare_step
from pipeline.recipe import Columns, Source
from pipeline.recipe.recipe import check_recipe
from pipeline.reporter import SilentReporter
from pipeline.settings import load_settings
from pipeline.sources import PINNERS, sql_select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.mlflow import Server
    from fixtures.postgres import Postgres

    from pipeline.settings import Settings

pytestmark = pytest.mark.server

TABLE = """
    CREATE TABLE posts AS SELECT i AS id, 'Text of number ' || i AS body, i / 4.0 AS share, i::numeric(30, 2) AS exact,
    timestamptz '2026-01-01 00:00:00.25+02' + i * interval '1 hour' AS made, date '2026-01-01' + i AS day, gen_random_uuid() AS key,
    json_build_object('lang', 'de', 'tags', json_build_array('a', i)) AS meta, jsonb_build_object('lang', 'fr') AS more,
    ARRAY['b', 'c'] AS tags, '\\x00ff'::bytea AS raw, i % 2 = 0 AS even FROM generate_series(1, 100) AS i
"""


@pytest.fixture
def crm(postgres: Postgres, folder_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(sql_select, "PART_ROWS", 30)
    postgres.run("DROP TABLE IF EXISTS posts", TABLE)
    urls = {
        "crm": postgres.url,
        "wrong": postgres.url.replace("pgMark7", "pgMark7x"),
        "closed": postgres.url.replace(f":{postgres.port}/", ":1/"),
        "other": postgres.url.removesuffix("postgres") + "nowhere",
    }
    return folder_settings.model_copy(update={"databases": SecretStr(json.dumps(urls))})


def source(**fields: Any) -> Source:
    columns = fields.pop("columns", Columns(text="body"))
    what = {} if "query" in fields else {"table": "public.posts"}
    return Source(kind="sql", columns=columns, **{"url_from": "crm", **what, **fields})


def both(wanted: Source, settings: Settings) -> list[Any]:
    pin = PINNERS.load("sql")(wanted, settings)
    return list(READERS.load("sql")(wanted, pin, settings, SilentReporter()))


@pytest.mark.parametrize("mark", [None, "id", "exact", "share", "made", "day", "body"])
def test_every_row_is_read_once(mark: str | None, crm: Settings) -> None:
    rows = both(source(high_water=mark), crm)
    assert sorted(row.text for row in rows) == sorted(f"Text of number {number}" for number in range(1, 101))
    pin = PINNERS.load("sql")(source(high_water=mark), crm)
    assert len(pin.items) == (1 if mark is None else 4)


def test_values_of_each_type(crm: Settings) -> None:
    found = {}
    for target in ("share", "exact", "made", "day", "meta.lang", "meta.tags.1", "more.lang", "more", "tags", "even"):
        rows = both(source(high_water="id", columns=Columns(text="body", target=target, group="key")), crm)
        found[target] = rows[0].target
    assert found == {
        "share": 0.25,
        "exact": 1,
        "made": "2025-12-31T23:00:00.250000+00:00",
        "day": "2026-01-02",
        "meta.lang": "de",
        "meta.tags.1": 1,
        "more.lang": "fr",
        "more": {"lang": "fr"},
        "tags": ["b", "c"],
        "even": False,
    }
    assert len(rows[0].group) == 36
    raw = both(source(high_water="id", columns=Columns(text="body", target="raw")), crm)
    assert {(row.reason, row.where) for row in raw if isinstance(row, Quarantined)} >= {("not UTF-8", "id=1")}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE posts SET body = 'Text of number 00' WHERE id = 42",
        "UPDATE posts SET share = 0 WHERE id = 42",
        "DELETE FROM posts WHERE id = 42",
        "INSERT INTO posts SELECT * FROM posts WHERE id = 3",
    ],
)
@pytest.mark.parametrize("mark", [None, "id"])
def test_rows_that_change_below_the_mark_are_found(change: str, mark: str | None, postgres: Postgres, crm: Settings) -> None:
    wanted = source(high_water=mark, columns=Columns(text="body", target="share"))
    pin = PINNERS.load("sql")(wanted, crm)
    postgres.run(change)
    with pytest.raises(SourceChanged, match="changed since they were planned"):
        list(READERS.load("sql")(wanted, pin, crm, SilentReporter()))


def test_the_time_zone_of_a_session_changes_nothing(postgres: Postgres, crm: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = source(high_water="made", columns=Columns(text="body", target="made"))
    pin = PINNERS.load("sql")(wanted, crm)
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    assert PINNERS.load("sql")(wanted, crm) == pin


def test_a_reader_sees_one_state(postgres: Postgres, crm: Settings) -> None:
    wanted = source(high_water="id")
    pin = PINNERS.load("sql")(wanted, crm)
    rows: Iterator[Any] = READERS.load("sql")(wanted, pin, crm, SilentReporter())
    first = next(rows)
    postgres.run("UPDATE posts SET body = 'another text'")
    assert {row.text for row in [first, *rows]} == {f"Text of number {number}" for number in range(1, 101)}


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"url_from": "wrong"}, BadInput, "password authentication failed"),
        ({"url_from": "closed"}, Unavailable, "does not answer"),
        ({"url_from": "other"}, BadInput, "does not exist"),
        ({"table": "post"}, BadInput, 'relation "post" does not exist'),
        ({"query": "SELECT body FROM posts WHERE id = 'x'"}, BadInput, "invalid input syntax"),
        ({"query": "SELECT setval('numbers', 5)::text AS body FROM posts"}, BadInput, "read-only transaction"),
        ({"query": "SELECT 1 / (id - 50) || body AS body FROM posts"}, BadInput, "division by zero"),
        ({"high_water": "key"}, BadInput, r"max\(uuid\) does not exist"),
    ],
)
def test_an_error_is_one_line_without_the_password(
    fields: dict[str, Any], error: type[TrainshedError], message: str, postgres: Postgres, crm: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    postgres.run("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(error, match=message) as raised:
        both(source(**fields), crm)
    told = f"{raised.getrepr(chain=True)} {raised.value} {caplog.text}"
    assert "\n" not in str(raised.value)
    assert PASSWORD not in str(raised.value)
    assert "pgMark7" not in str(raised.value)
    assert all(secret not in caplog.text for secret in (PASSWORD, "pgMark7%3A"))
    assert raised.value.__cause__ is None, told


def test_a_step_reads_a_database_and_leaves_its_password_nowhere(
    postgres: Postgres, mlflow_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS tickets",
        "CREATE TABLE tickets AS SELECT i AS id, 'The printer on floor ' || i || ' makes a strange noise.' AS body, "
        "'Noise of printer number ' || i AS summary FROM generate_series(1, 200) AS i",
    )
    monkeypatch.setenv("TRAINSHED_DATABASES", json.dumps({"crm": postgres.url}))
    data = small_recipe(tmp_path).model_dump(mode="json", exclude_none=True)
    data["data"]["source"] = {"kind": "sql", "url_from": "crm", "table": "tickets", "high_water": "id"}
    data["data"]["source"]["columns"] = {"text": "body", "target": "summary"}
    settings = load_settings(tmp_path / "state").model_copy(update={"store": f"file://{tmp_path}/store", "mlflow_uri": mlflow_server.uri})
    prepared = prepare_step(check_recipe(data, "tickets.yaml"), "tickets-1", "ingestion", settings, {})
    variables = {"TRAINSHED_STORE": settings.store, "TRAINSHED_STATE": str(settings.state), "MLFLOW_TRACKING_URI": mlflow_server.uri}

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "components.ingestion", "--request", prepared.request_uri]
        return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)

    postgres.run("UPDATE tickets SET body = 'Another text of this length' WHERE id = 7")
    changed = run()
    assert changed.returncode == 2
    assert "the rows of id up to 200 changed since they were planned (other values)" in changed.stderr
    postgres.run("UPDATE tickets SET body = 'The printer on floor 7 makes a strange noise.' WHERE id = 7")
    done = run()
    assert done.returncode == 0, done.stderr
    assert open_artifacts(settings).find("ingestion", prepared.request.fingerprint).counts["read"] == 200
    told = f"{changed.stdout}{changed.stderr}{done.stdout}{done.stderr}".encode()
    files = [place.read_bytes() for folder in (tmp_path, mlflow_server.folder) for place in folder.rglob("*") if place.is_file()]
    assert len(files) > 10
    for secret in (PASSWORD.encode(), b"pgMark7%3Apass", b"pgMark7"):
        assert not any(secret in content for content in (told, *files))
