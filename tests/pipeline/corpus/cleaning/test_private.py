"""Private data in a source: hidden or dropped, counted by kind, and in no file of the corpus."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from fixtures.cleaned import cleaner
from fixtures.private_values import MAKERS, left

from pipeline.corpus.cleaning.report import CleaningReport
from pipeline.corpus.cleaning.text_cleaner import TextCleaner
from pipeline.corpus.cleaning.write_rule import write_rule
from pipeline.corpus.documents import Record
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import SPLITS
from pipeline.recipe import Filter
from pipeline.tasks.chat.section import Chat
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.parts import part
from pipeline.tasks.tagging.section import Tagging

if TYPE_CHECKING:
    from pathlib import Path


MASK, REPLACE, DROP = (
    {"kind": "private"},
    {"kind": "private", "action": "replace", "salt": "a salt of ours"},
    {"kind": "private", "action": "drop"},
)
SENTENCE = "Number {} is one of many sentences that were written so that a text is long enough to be kept."


@pytest.fixture(scope="module")
def planted_rows() -> tuple[list[dict[str, str]], dict[str, list[str]]]:
    """700 rows, each with values of one kind in all its fields, and the values by kind."""
    draw = random.Random(3)
    rows, values = [], {}
    for kind, make in MAKERS.items():
        for number in range(100):
            one, other, third, fourth = (make(draw) for _ in range(4))
            values.setdefault(kind, []).extend([one, other, third, fourth])
            rows.append(
                {
                    "body": f"{SENTENCE.format(number)} Of {kind}: {one}, and {one} once more.",
                    "summary": f"The {kind} with number {number} is {other}.",
                    "title": f"about {third}",
                    "author": f"{kind} {number % 9} {fourth}" if number % 10 == 0 else f"author {number % 9}",
                }
            )
    return rows, values


@pytest.mark.parametrize("block", [MASK, REPLACE, DROP], ids=["mask", "replace", "drop"])
def test_no_value_is_left_in_any_file(tmp_path: Path, ingest, planted_rows, block) -> None:
    rows, values = planted_rows
    secret = "ada.lovelace@example.org"
    lines = [json.dumps(row) for row in rows] + [
        json.dumps({"body": SENTENCE.format(index), "summary": SENTENCE.format(f"s{index}"), "title": "t", "author": "a"})
        for index in range(300)
    ]
    broken = [
        f'{{"body": "{secret}',
        json.dumps({"body": [secret]}),
        json.dumps({"body": SENTENCE, "summary": {"to": secret}, "title": "", "author": ""}),
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines, *broken]) + "\n")
    folder, counts = ingest(
        "jsonl",
        tmp_path / "rows.jsonl",
        filter=Filter(max_quarantined=0.5),
        cleaning=[block, {"kind": "language", "keep": ["en"], "min_confidence": 0}],
    )
    assert counts["quarantined"] == len(broken)
    assert {kind for kind in MAKERS if counts.get(f"private_{kind}")} == MAKERS.keys()
    assert counts["read"] == len(lines) + len(broken)
    written = " ".join(path.read_text() for path in folder.iterdir() if path.suffix != ".parquet")
    documents = [document for split in SPLITS for document in read_documents(folder, split)]
    written += "\n".join(str(field) for document in documents for field in document)
    assert secret not in written
    assert "lovelace" not in written
    assert [value for kind in values for value in values[kind] if left(value, written)] == []
    if block is DROP:
        assert counts["filtered_private"] == len(rows)
        assert counts["kept"] == 300
    else:
        assert counts["changed_private"] == len(rows)
        assert any("<email" in document.text for document in documents)


def outcome(task, record: Record, *blocks: object):
    examples = part(task, "examples")
    return cleaner(*blocks, prose=examples.prose, min_chars=1, min_letters=0).documents(record, examples)


def test_each_message_of_a_conversation_is_hidden() -> None:
    messages = [{"role": "user", "content": "I am ada@example.org"}, {"role": "assistant", "content": "Hello ada@example.org,\n  hello"}]
    (document,) = outcome(Chat(kind="chat"), Record("", messages), MASK)
    assert (document.text, document.target) == ("user: I am <email>", "Hello <email>,\n  hello")
    assert "ada" not in str(document)


def test_tagged_tokens_keep_their_number() -> None:
    tokens, tags = ["Call", "+49", "170", "1234567", "or", "ada@example.org"], ["O", "B-T", "I-T", "I-T", "O", "B-M"]
    (document,) = outcome(Tagging(kind="tagging"), Record(tokens, tags), MASK)
    assert document.text == "Call <phone> <phone> <phone> or <email>"
    assert json.loads(document.target) == tags


def test_a_label_with_private_data_filters_its_document() -> None:
    assert outcome(Classification(kind="classification"), Record("A text.", "ada@example.org"), MASK) == "private_target"
    (document,) = outcome(Classification(kind="classification"), Record("A text.", "good"), MASK)
    assert document.target == "good"


def test_a_quarantine_names_no_value() -> None:
    found = outcome(Chat(kind="chat"), Record("", [{"role": "ada@example.org", "content": "x"}], where="a:1"), MASK)
    assert found == ("role '<email>', not one of system, user, assistant", "a:1", "")


@pytest.mark.parametrize(("block", "expected"), [(MASK, "I am <email>"), (DROP, "I am ada@example.org")], ids=["mask", "drop"])
def test_requests_are_hidden_as_the_corpus_is(tmp_path: Path, block, expected) -> None:
    write_rule(cleaner("encoding", block, "gopher").data, CleaningReport(), tmp_path)
    requests = TextCleaner.from_json(json.loads((tmp_path / "cleaning.json").read_text()), prose=True)
    assert requests.text("I  am &amp; ada@example.org".replace(" &amp;", "")) == expected
    assert requests.text("Ã©") == "é"


def test_stand_ins_of_requests_are_those_of_the_corpus(tmp_path: Path) -> None:
    one = cleaner(REPLACE)
    write_rule(one.data, CleaningReport(), tmp_path)
    requests = TextCleaner.from_json(json.loads((tmp_path / "cleaning.json").read_text()), prose=True)
    assert requests.text("To ada@example.org") == one.text("To ada@example.org")
