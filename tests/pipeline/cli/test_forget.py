"""``trainshed forget``: what it says, and its answers to bad input."""

from __future__ import annotations

import json

import pytest
from fixtures.stored_corpora import rows, store_corpus

from pipeline import cli
from pipeline.artifacts import open_artifacts, open_store
from pipeline.corpora.sample import Wanted, choose
from pipeline.erasure.tombstones import read_tombstones

SECRET = {"text": "Ann Smith lives at 12 Main Street.", "label": "bug", "title": "t", "author": "a"}


@pytest.fixture
def stored(folder_settings, monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINSHED_STORE", folder_settings.store)
    monkeypatch.setenv("TRAINSHED_STATE", str(folder_settings.state))
    plain = store_corpus(folder_settings, tmp_path, rows(310), "mails-20260102-000000-0000")
    return folder_settings, store_corpus(folder_settings, tmp_path, [*rows(300), SECRET]), plain


@pytest.fixture
def secret_id(stored, tmp_path) -> str:
    settings, corpus, _ = stored
    (found,) = choose(open_artifacts(settings).open(corpus, tmp_path / "opened"), Wanted(word="Ann"), 5)
    return found.id


def trainshed(*words: str) -> int:
    return cli.run(["forget", *words])


def test_the_corpus_that_holds_it_is_listed_and_the_other_is_not(stored, secret_id, capsys) -> None:
    settings, corpus, plain = stored
    open_store(settings).put("served/mails/2026-01-01/1-a-1.jsonl", json.dumps({"text": SECRET["text"].lower()}).encode())
    assert trainshed("--document", secret_id, "--reason", "asked by mail") == 0
    out = capsys.readouterr().out
    assert "forgotten: 1 document in 1 corpus (entry 1)" in out
    assert corpus.fingerprint[:12] in out
    assert plain.fingerprint[:12] not in out
    assert "served/mails/2026-01-01/1-a-1.jsonl: 1 line" in out
    assert "`trainshed run mails`" in out
    (entry,) = read_tombstones(open_store(settings))
    assert (entry.ids, len(entry.texts), list(entry.held)) == ((secret_id,), 1, [corpus.digest])
    assert trainshed("--document", secret_id) == 0
    assert "forgotten already (entry 1)" in capsys.readouterr().out
    assert trainshed("--list") == 0
    assert "asked by mail" in capsys.readouterr().out


def test_a_file_of_texts_finds_them_whatever_their_form(stored, tmp_path, capsys) -> None:
    place = tmp_path / "asked.txt"
    place.write_text("ANN SMITH, lives at 12 main street\n")
    assert trainshed("--match", str(place)) == 0
    assert "forgotten: 1 document in 1 corpus" in capsys.readouterr().out


def test_what_no_corpus_holds_is_refused_unless_it_is_meant(stored, secret_id, tmp_path, capsys) -> None:
    settings, *_ = stored
    place = tmp_path / "asked.txt"
    place.write_text(f"{secret_id}\nBob Jones lives nowhere.\n")
    assert trainshed("--match", str(place)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "none of 2 corpora holds 1 of 2 documents: asked.txt line 2; nothing was forgotten" in line
    assert read_tombstones(open_store(settings)) == []
    assert trainshed("--match", str(place), "--anyway") == 0
    assert len(read_tombstones(open_store(settings))[0].texts) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no document; expected either --document or --match"),
        (["--document", "12"], "'12' is no id of a document; expected 24 hexadecimal digits"),
        (["--document", "0" * 24], "none of 2 corpora holds 1 of 1 documents"),
        (["--document", "0" * 24, "--match", "x"], "--document and --match"),
        (["--match", "missing.txt"], "no such file"),
        (["--list", "--document", "0" * 24], "--list with --document"),
    ],
)
def test_bad_input_is_one_line(stored, capsys, words, said) -> None:
    assert trainshed(*words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


def test_no_store_is_one_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path))
    monkeypatch.setenv("TRAINSHED_STORE", "s3://nowhere/x")
    monkeypatch.setenv("TRAINSHED_S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("TRAINSHED_S3_RETRY_S", "0.1")
    assert trainshed("--document", "0" * 24) != 0
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
