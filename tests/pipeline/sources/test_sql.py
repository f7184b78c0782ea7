"""Rows of a database: SQLite files here, a server in `test_postgres`."""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import NothingKept, StoredIntermediates
from pipeline.corpus import chunks
from pipeline.corpus.chunks import divide
from pipeline.corpus.documents import Quarantined, Record
from pipeline.corpus.ingest import Kept, ingest_corpus
from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput, SourceChanged, TrainshedError, Unavailable
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.recipe.source_checks import source_problem
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS, sql_select
from pipeline.sources.base import MissingSource, Pin
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings

TABLE = "CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT, label, made TIMESTAMP, meta JSON, raw BLOB)"


def texts(first: int, last: int) -> list[tuple[Any, ...]]:
    return [
        (number, f"Text of number {number}", number % 3, f"2026-01-{1 + number % 28:02d}", json.dumps({"lang": "de"}), None)
        for number in range(first, last)
    ]


class Posts:
    """An SQLite file with one table."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.run(TABLE)
        self.add(1, 101)

    def run(self, statement: str, *values: Any) -> None:
        connection = sqlite3.connect(self.place)
        connection.execute(statement, values)
        connection.commit()
        connection.close()

    def add(self, first: int, last: int) -> None:
        connection = sqlite3.connect(self.place)
        connection.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?)", texts(first, last))
        connection.commit()
        connection.close()


@pytest.fixture
def posts(tmp_path: Path) -> Posts:
    return Posts(tmp_path / "posts.db")


@pytest.fixture
def here(tmp_path: Path, folder_settings: Settings) -> Settings:
    """A relative path starts in the test's folder."""
    return folder_settings.model_copy(update={"home": tmp_path})


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_select, "PART_ROWS", 30)


def source(**fields: Any) -> Source:
    columns = fields.pop("columns", Columns(text="body", target="label"))
    where = {} if "url_from" in fields else {"path": "posts.db"}
    what = {} if "query" in fields else {"table": "posts"}
    return Source(kind="sql", columns=columns, **where, **what, **fields)


def pinned(wanted: Source, settings: Settings) -> Pin:
    found: Pin = PINNERS.load("sql")(wanted, settings)
    return found


def read(wanted: Source, pin: Pin, settings: Settings) -> list[Any]:
    return list(READERS.load("sql")(wanted, pin, settings, SilentReporter()))


def both(wanted: Source, settings: Settings) -> list[Any]:
    return read(wanted, pinned(wanted, settings), settings)


BY_ID = {"high_water": "id"}


@pytest.mark.parametrize("fields", [BY_ID, {}, {"high_water": "made"}], ids=["by id", "whole", "by time"])
def test_every_row_is_read_once_in_the_same_order(fields: dict[str, Any], posts: Posts, here: Settings) -> None:
    rows = both(source(**fields), here)
    assert sorted(row.text for row in rows) == sorted(f"Text of number {number}" for number in range(1, 101))
    # whatever order the database has its rows in
    posts.run("CREATE TABLE other AS SELECT * FROM posts ORDER BY random()")
    posts.run("DROP TABLE posts")
    posts.run("ALTER TABLE other RENAME TO posts")
    assert [row.text for row in both(source(**fields), here)] == [row.text for row in rows]


def test_a_high_water_mark_divides_the_rows_and_rows_above_it_wait(posts: Posts, here: Settings) -> None:
    pin = pinned(source(**BY_ID), here)
    assert [item.name for item in pin.items] == ["id up to 30", "id above 30, up to 60", "id above 60, up to 90", "id above 90, up to 100"]
    posts.add(101, 105)
    assert len(read(source(**BY_ID), pin, here)) == 100
    assert [row.where for row in read(source(**BY_ID), pin, here)][-1] == "id=100"


def test_new_rows_change_the_last_part_only(posts: Posts, here: Settings) -> None:
    before = pinned(source(**BY_ID), here)
    posts.add(101, 151)
    after = pinned(source(**BY_ID), here)
    assert after.items[:3] == before.items[:3]
    assert len(after.items) == 5
    assert {chunk.digest for chunk in divide(before.chunk(before.items[:3]))} <= {
        chunk.digest for chunk in divide(after.chunk(after.items[:3]))
    }
    assert before.digest != after.digest


def test_rows_with_equal_marks_are_in_one_part(posts: Posts, here: Settings) -> None:
    posts.run("UPDATE posts SET made = '2026-05-05'")
    pin = pinned(source(high_water="made"), here)
    assert len(pin.items) == 1
    assert len(read(source(high_water="made"), pin, here)) == 100


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE posts SET body = 'Text of number 00' WHERE id = 42",
        "UPDATE posts SET label = 2 - label WHERE id = 42",
        "UPDATE posts SET label = NULL WHERE id = 42",
        "DELETE FROM posts WHERE id = 42",
        "INSERT INTO posts SELECT -1, body, label, made, meta, raw FROM posts WHERE id = 1",
        "UPDATE posts SET body = CASE id WHEN 41 THEN 'Text of number 42' ELSE 'Text of number 41' END WHERE id IN (41, 42)",
    ],
)
@pytest.mark.parametrize("fields", [BY_ID, {}], ids=["mark", "checksum"])
def test_rows_that_change_below_the_mark_are_found(fields: dict[str, Any], change: str, posts: Posts, here: Settings) -> None:
    pin = pinned(source(**fields), here)
    posts.run(change)
    with pytest.raises(SourceChanged, match="changed since they were planned"):
        read(source(**fields), pin, here)
    assert pinned(source(**fields), here).digest != pin.digest


def test_columns_that_nobody_reads_change_nothing(posts: Posts, here: Settings) -> None:
    pin = pinned(source(**BY_ID), here)
    posts.run("UPDATE posts SET raw = 'x'")
    assert pinned(source(**BY_ID), here).digest == pin.digest


def test_a_writer_that_commits_while_rows_are_read_is_not_seen(posts: Posts, here: Settings) -> None:
    posts.run("PRAGMA journal_mode = wal")
    keeps = sqlite3.connect(posts.place)  # with nobody connected SQLite would end the log, which a reader cannot begin
    pin = pinned(source(**BY_ID), here)
    rows: Iterator[Record] = READERS.load("sql")(source(**BY_ID), pin, here, SilentReporter())
    first = next(rows)
    posts.run("UPDATE posts SET body = 'another text'")
    assert {row.text for row in [first, *rows]} == {f"Text of number {number}" for number in range(1, 101)}
    keeps.close()


def test_rows_without_a_mark_are_counted(posts: Posts, here: Settings) -> None:
    posts.run("UPDATE posts SET made = NULL WHERE id <= 7")
    pin = pinned(source(high_water="made"), here)
    assert [(found.reason, found.count) for found in pin.left_out] == [("no_mark", 7)]
    assert len(read(source(high_water="made"), pin, here)) == 93
    posts.run("UPDATE posts SET made = NULL")
    with pytest.raises(BadInput, match="no row whose 'made' is not NULL"):
        pinned(source(high_water="made"), here)


@pytest.mark.parametrize("fields", [BY_ID, {}], ids=["mark", "checksum"])
def test_a_bad_value_costs_its_row(fields: dict[str, Any], posts: Posts, here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_select, "MAX_CHARS", 1000)
    posts.run("UPDATE posts SET body = CAST(x'e9204142' AS TEXT) WHERE id = 1")
    posts.run("UPDATE posts SET body = NULL WHERE id = 2")
    posts.run("UPDATE posts SET body = ? WHERE id = 3", "x" * 1001)
    posts.run("UPDATE posts SET body = x'c3a4e4' WHERE id = 5")
    posts.run("UPDATE posts SET body = CAST('Ein Text als Bytes' AS BLOB) WHERE id = 6")
    posts.run("UPDATE posts SET label = 9e999 WHERE id = 7")
    rows = both(source(**fields), here)
    assert sorted(row.reason for row in rows if isinstance(row, Quarantined)) == sorted(
        ["not Unicode", "no field 'body'", "a row above 8 MB", "not UTF-8"]
    )
    assert "Ein Text als Bytes" in [row.text for row in rows if isinstance(row, Record)]
    assert len(rows) == 100


def test_values_of_each_type(posts: Posts, here: Settings) -> None:
    query = "SELECT 'a text of it' AS text, meta, made, 1.5 AS n, raw FROM posts WHERE id = 1 -- one"
    found = {}
    for target in ("meta.lang", "made", "n", "raw"):
        [row] = both(source(query=query, columns=Columns(target=target, group="made")), here)
        found[target] = row.target
    assert found == {"meta.lang": "de", "made": "2026-01-02", "n": 1.5, "raw": None}
    assert row.group == "2026-01-02"


def test_a_query_may_hold_what_looks_like_parameters(posts: Posts, here: Settings) -> None:
    query = "SELECT body || ' :x %s %(y)s ; \\:z' AS text FROM posts WHERE body LIKE '%1' AND id % 2 = 1;"
    rows = both(source(query=query, columns=Columns()), here)
    assert rows[0].text == "Text of number 1 :x %s %(y)s ; \\:z"


def test_a_corpus_counts_every_row_and_a_later_one_reads_new_rows_only(
    posts: Posts, here: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 500)
    caplog.set_level(logging.INFO)
    posts.run("UPDATE posts SET body = 'Text of number 1' WHERE id = 9")
    posts.run("INSERT INTO posts (id, body) VALUES (900, NULL)")
    data = Data(
        source=source(**BY_ID, columns=Columns(text="body")), filter=Filter(min_chars=5, max_quarantined=0.5), split=Split(salt="s")
    )
    examples = part(LanguageModel(kind="language_model"), "examples")
    kept = StoredIntermediates(open_artifacts(here), {"code": "1"})

    def ingest(name: str) -> dict[str, int]:
        (tmp_path / name).mkdir()
        pin = pinned(data.source, here)
        return ingest_corpus(data, examples, pin, tmp_path / name, here, SilentReporter(), kept=Kept(kept, NothingKept()))

    counts = ingest("one")
    assert [counts[name] for name in ("read", "kept", "duplicate", "quarantined")] == [101, 99, 1, 1]
    posts.add(901, 931)
    assert ingest("two")["read"] == 131
    assert "chunks of the source are unchanged and are not read again" in caplog.text


def test_nothing_is_written(posts: Posts, here: Settings) -> None:
    before = posts.place.read_bytes()
    both(source(**BY_ID), here)
    assert posts.place.read_bytes() == before
    assert [place.name for place in posts.place.parent.glob("posts*")] == ["posts.db"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": "SELECT body FROM post"}, "no such table: post"),
        ({"query": "SELECT body, id AS body FROM posts", "columns": Columns(text="body")}, "two columns 'body'"),
        ({"query": "SELECT body AS txt FROM posts", "columns": Columns()}, "did you mean 'txt'"),
        ({"high_water": "ids"}, "did you mean 'id'"),
        ({"query": "SELECT body AS text FROM posts WHERE id < 0", "columns": Columns()}, "gives no row"),
        ({"query": "SELECT 1 AS text WHERE load_extension('/tmp/x.so')", "columns": Columns()}, "not authorized"),
        ({"high_water": "raw"}, "no row whose 'raw' is not NULL"),
    ],
)
def test_a_wrong_query_is_one_line_of_the_plan(fields: dict[str, Any], message: str, posts: Posts, here: Settings) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        pinned(source(**fields), here)
    assert "\n" not in str(raised.value)


def test_an_sqlite_file_is_a_path_like_any_other(posts: Posts, here: Settings, tmp_path: Path) -> None:
    with pytest.raises(MissingSource, match="no SQLite file"):
        pinned(source().model_copy(update={"path": "gone.db"}), here)
    (tmp_path / "text.db").write_text("no database, but a text that is long enough to be one " * 100)
    with pytest.raises(BadInput, match="file is not a database"):
        pinned(source().model_copy(update={"path": "text.db"}), here)
    for path in ("/etc/passwd", ".hidden/posts.db", "state/airflow.db"):
        with pytest.raises(BadInput, match=r"may not be read|state folder"):
            pinned(source().model_copy(update={"path": path}), here)
    named = here.model_copy(update={"databases": SecretStr(json.dumps({"posts": "sqlite:///posts.db", "keys": "sqlite:////etc/passwd"}))})
    assert pinned(source(url_from="posts"), named) == pinned(source(), here)
    with pytest.raises(BadInput, match="may not be read"):
        pinned(source(url_from="keys"), named)


def test_a_file_that_somebody_writes_to_is_busy(posts: Posts, here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **fields: connect(*args, **{"timeout": 0.05, **fields}))
    writer = connect(posts.place, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match="database is locked"):
        pinned(source(), here)
    writer.close()


@pytest.mark.parametrize(
    ("databases", "name", "message"),
    [
        (None, "crm", "TRAINSHED_DATABASES is not set"),
        ("planted-password", "crm", "is no JSON object"),
        ('{"crm": 5, "x": "planted-password"}', "crm", "is no JSON object"),
        ('{"crm": "nothing planted-password"}', "crm", "the address of 'crm' is no URL"),
        ('{"crm": "postgresql://a:planted-password@127.0.0.1:no/x"}', "crm", "the address of 'crm' is no URL"),
        ('{"crm": "foo://a:planted-password@127.0.0.1/x"}', "crm", "SQLAlchemy knows no 'foo'"),
        ('{"crm": "oracle+cx_oracle://a:planted-password@127.0.0.1/x"}', "crm", "needs the driver cx_Oracle, which is not installed"),
        ('{"crm": "sqlite://"}', "crm", "in memory is empty"),
        ('{"crms": "x://a:planted-password@h/x"}', "crm", "did you mean 'crms'"),
    ],
)
def test_a_wrong_database_is_one_line_without_its_password(databases: str | None, name: str, message: str, here: Settings) -> None:
    given = here.model_copy(update={"databases": SecretStr(databases) if databases else None})
    with pytest.raises(TrainshedError, match=message) as raised:
        pinned(source(url_from=name), given)
    assert "planted" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_container_without_a_network_says_so(here: Settings) -> None:
    given = here.model_copy(update={"databases": SecretStr('{"crm": "postgresql://a:b@db/x"}'), "container_network": "none"})
    with pytest.raises(BadInput, match="this container reaches only S3 and MLflow"):
        pinned(source(url_from="crm"), given)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"table": "t"}, "neither path nor url_from"),
        ({"table": "t", "path": "a.db", "url_from": "crm"}, "both path and url_from"),
        ({"path": "a.db"}, "neither query nor table"),
        ({"path": "a.db", "query": "SELECT 1", "table": "t"}, "both query and table"),
        ({"path": "a.db", "table": "t; DROP TABLE t"}, "data.source.table"),
        ({"path": "a.db", "query": "SELECT 1; DROP TABLE t"}, "has 2 statements"),
        ({"path": "a.db", "query": "DELETE FROM t"}, "begins with 'DELETE'"),
        ({"path": "a.db", "query": "PRAGMA table_info(t)"}, "begins with 'PRAGMA'"),
        ({"path": "a.db", "query": "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a"}, "has DELETE"),
        ({"path": "a.db", "query": "SELECT * INTO x FROM t"}, "has INTO"),
        ({"path": "a.db", "query": "SELECT * FROM t FOR UPDATE"}, "has UPDATE"),
        ({"path": "a.db", "query": "-- nothing"}, "is empty"),
        ({"path": "a.db", "query": "(" * 300 + "SELECT 1" + ")" * 300}, "cannot be parsed"),
        ({"path": "postgresql://me:planted@h/x", "table": "t"}, "data.source.path is an address"),
        ({"url_from": "postgresql://me:planted@h/x", "table": "t"}, "data.source.url_from is no name"),
    ],
)
def test_a_recipe_names_one_database_and_one_query(fields: dict[str, Any], message: str) -> None:
    problem = source_problem(Source(kind="sql", **fields))
    assert problem
    assert message in problem[0]
    assert "planted" not in "".join(problem)


@pytest.mark.parametrize(
    "query", ["SELECT 1;", "SELECT ';' -- ; ;", "WITH a AS (SELECT 1) SELECT replace('a;', ';', '') FROM a", "(SELECT 1)"]
)
def test_one_query_is_a_query(query: str) -> None:
    assert source_problem(Source(kind="sql", path="a.db", query=query)) is None


def test_other_kinds_take_no_query() -> None:
    problem = source_problem(Source(kind="jsonl", path="a.jsonl", query="SELECT 1"))
    assert problem
    assert problem[0] == "data.source.query with kind 'jsonl'"
