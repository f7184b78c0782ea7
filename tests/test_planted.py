"""The search for planted secrets finds them, however they were wrapped: a search that finds nothing proves nothing by itself."""

from __future__ import annotations

import base64
import gzip
import html
import json
import sqlite3
import zipfile
import zlib
from urllib.parse import quote

import pyarrow as pa
import pytest
import zstandard
from fixtures.planted import MARK, holds, in_database, in_files, in_store, plant, watched_commands
from pyarrow import parquet

from pipeline.artifacts.s3_client import s3_client
from pipeline.stack.secrets import FILE, load_or_generate

SECRET = f"{MARK}/s3_secret_key+%=&;"


def zipped(secret, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", secret)
    return path.read_bytes()


def in_parquet(secret, tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": [secret]}), path, compression="zstd")
    return path.read_bytes()


WRAPPED = {
    "plain": lambda secret, _: f"password={secret}!".encode(),
    "half": lambda secret, _: secret[: len(MARK)].encode(),
    "url": lambda secret, _: quote(secret, safe="").encode(),
    "html": lambda secret, _: html.escape(secret).encode(),
    "json": lambda secret, _: json.dumps({"key": secret}).encode(),
    "hex": lambda secret, _: secret.encode().hex().encode(),
    "HEX": lambda secret, _: secret.encode().hex().upper().encode(),
    **{f"base64+{n}": lambda secret, _, n=n: base64.b64encode(b"x" * n + secret.encode()) for n in range(4)},
    "base64url": lambda secret, _: base64.urlsafe_b64encode(b"user:" + secret.encode()),
    "gzip": lambda secret, _: gzip.compress(b"log " + secret.encode()),
    "zlib": lambda secret, _: zlib.compress(b"dag " + secret.encode()),
    "zstd": lambda secret, _: zstandard.ZstdCompressor().compress(secret.encode()),
    "zip": zipped,
    "parquet": in_parquet,
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_it_is_found(wrap, tmp_path):
    assert holds(wrap(SECRET, tmp_path))
    assert not holds(wrap("another/s3_secret_key+%=&;", tmp_path))


def test_in_a_file_but_not_in_those_that_have_to_hold_it(tmp_path):
    plant(tmp_path)
    assert in_files(tmp_path) == {}
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text(f"key: {SECRET}")
    assert in_files(tmp_path) == {"logs/a.log": repr(b"key: ")}


def test_in_a_database_column_by_column(tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE xcom (key TEXT, value BLOB)")
        database.execute("CREATE TABLE empty (key TEXT)")
        database.execute("INSERT INTO xcom VALUES ('k', ?)", (zlib.compress(SECRET.encode()),))
    seen = set()
    assert list(in_database(path, seen.add)) == ["xcom.value"]
    assert seen == {"xcom"}


def test_in_an_object_and_in_a_key(s3_server, s3_settings):
    client = s3_client(s3_settings.s3_endpoint, s3_settings.s3_region, s3_settings.s3_keys)
    keys = {f"planted/{name}": body for name, body in (("clean", b"x"), ("dirty", SECRET.encode()), (MARK, b"x"))}
    for key, body in keys.items():
        client.put_object(Bucket=s3_server.bucket, Key=key, Body=body)
    try:
        assert set(in_store(s3_settings, s3_server.bucket)) == {"planted/dirty", f"planted/{MARK}"}
    finally:
        for key in keys:
            client.delete_object(Bucket=s3_server.bucket, Key=key)


def test_on_a_command_line():
    import subprocess

    with watched_commands() as commands:
        child = subprocess.Popen(["cat", "-", f"/nowhere/{MARK}"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while not any(MARK in command for command in list(commands)):
            assert child.poll() is None
        child.communicate()
    assert any(holds(command.encode()) for command in commands)


def test_what_is_planted_is_what_a_stack_takes(tmp_path):
    plant(tmp_path)
    taken = load_or_generate(tmp_path)
    assert json.loads((tmp_path / FILE).read_text()) == vars(taken)
    assert all(MARK in value for value in vars(taken).values())
    assert len(base64.urlsafe_b64decode(taken.airflow_fernet_key)) == 32
