"""``trainshed data``: its output, and its answers to wrong names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixtures.stored_corpora import rows, store_corpus

from pipeline import cli


@pytest.fixture
def stored(folder_settings, monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINSHED_STORE", folder_settings.store)
    monkeypatch.setenv("TRAINSHED_STATE", str(folder_settings.state))
    records = [*rows(300), *rows(2), {"text": "?", "label": "bug"}]
    first = store_corpus(folder_settings, tmp_path, records)
    return first, store_corpus(folder_settings, tmp_path, rows(310), "mails-20260102-000000-0000")


def trainshed(*words: str) -> int:
    return cli.run(["data", *words])


def test_a_corpus_is_shown_by_recipe_run_and_fingerprint(stored, capsys) -> None:
    first, second = stored
    for name, meant in {"mails": second, first.provenance.run: first, first.fingerprint[:8]: first}.items():
        assert trainshed("show", name, "--json") == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["fingerprint"], said["counts"]) == (meant.fingerprint, meant.counts)
    assert trainshed("show", first.provenance.run) == 0
    out = capsys.readouterr().out
    assert f"303 records read = {first.counts['kept']} kept + 2 duplicate" in out
    assert "filtered: too short" in out
    assert all(word in out for word in ("train", "validation", "question", "10 groups"))


def test_two_corpora_are_compared(stored, capsys) -> None:
    first, second = stored
    assert trainshed("diff", first.provenance.run, "mails", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert sum(said["documents"]["added"].values()) - sum(said["documents"]["removed"].values()) == 10
    assert said["counts"]["read"] == [303, 310]
    assert trainshed("diff", first.provenance.run, "mails") == 0
    out = capsys.readouterr().out
    assert "added: " in out
    assert "duplicate" in out
    assert trainshed("diff", "mails", second.fingerprint[:10]) == 0
    assert "byte for byte" in capsys.readouterr().out


def test_documents_are_printed_as_text_and_as_json(stored, capsys) -> None:
    assert trainshed("sample", "mails", "-n", "3", "--class", "bug", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["target"] for one in found] == ["bug"] * 3
    assert trainshed("sample", "mails", "--id", found[0]["id"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(found[0]["id"])
    assert found[0]["text"] in out
    assert trainshed("sample", "mails", "--match", "nowhere") == 0
    assert "no document fits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "mals"], "did you mean 'mails'?"),
        (["sample", "mails", "--split", "trian"], "did you mean 'train'?"),
        (["sample", "mails", "--class", "bgu"], "did you mean 'bug'?"),
        (["diff", "mails", "0123456789"], "unknown recipe, run or corpus '0123456789'"),
    ],
)
def test_wrong_names_are_one_line(stored, capsys, words, said) -> None:
    assert trainshed(*words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


def test_a_page_and_a_card_are_written_where_they_are_asked_for(stored, folder_settings, capsys) -> None:
    assert trainshed("show", "mails", "--page") == 0
    written = [line.removeprefix("written: ") for line in capsys.readouterr().out.splitlines() if line.startswith("written: ")]
    page, card = (Path(place).read_text() for place in written)
    assert "Corpus of mails" in page
    assert card.startswith("---\npretty_name: mails\n")
