"""Names of people that a model finds in a source: hidden or dropped, counted, and in no file of the corpus."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fixtures.name_tagger import sentence

from components import COMPONENTS
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import NothingKept, StoredIntermediates
from pipeline.corpus import chunks, cleaned_chunks
from pipeline.corpus.clean_share import clean_share
from pipeline.corpus.cleaned_chunks import CleanedChunks
from pipeline.corpus.cleaning.cleaner import Cleaner
from pipeline.corpus.cleaning.look_ahead import look_ahead
from pipeline.corpus.cleaning_inputs import CleaningInputs, GivenModel
from pipeline.corpus.documents import Record
from pipeline.corpus.ingest import Kept, ingest_corpus
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import SPLITS
from pipeline.errors import BadInput
from pipeline.models.names import finder as finders
from pipeline.recipe import Data
from pipeline.recipe.recipe import check_recipe
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS
from pipeline.tasks.chat.section import Chat
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.parts import part
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.tagging.section import Tagging

if TYPE_CHECKING:
    from pipeline.settings import Settings

MASK = {"kind": "names", "model": "tagger"}
REPLACE, DROP = {**MASK, "action": "replace", "salt": "a salt of ours"}, {**MASK, "action": "drop"}
COLUMNS = {"text": "body", "target": "summary", "name": "title", "group": "author"}
TASK = Summarization(kind="summarization", min_target_chars=1)


class Planted(NamedTuple):
    """Rows with names, and the names."""

    rows: list[dict[str, str]]
    names: set[str]


@pytest.fixture(scope="module")
def planted(name_tagger: Path) -> Planted:
    """200 rows with names in all fields, all of which the model finds, and 100 rows without; the model saw none of the sentences."""
    draw, found = random.Random("planted"), finders.finder_of(name_tagger)
    rows, names = [], set[str]()
    while len(rows) < 200:
        one, other = sentence(draw, "We met {name} near {thing}."), sentence(draw)
        answer, title, author = (sentence(draw, frame) for frame in ("It was sent to {name}.", "about {name}", "{name}"))
        texts = {"body": f"{one.text} {other.text}", "summary": answer.text, "title": title.text, "author": author.text}
        wanted = [one.names + other.names, answer.names, title.names, author.names]
        spans = found.find(list(texts.values()), ("PER",), 0.5)
        if [[text[start:end] for start, end in each] for text, each in zip(texts.values(), spans, strict=True)] == wanted:
            rows.append(texts)
            names.update(name for each in wanted for name in each)
    nobody = ("{thing} is in {place} since Monday.", "Nobody in {place} has seen {thing}, it seems.")
    while len(rows) < 300:
        text, answer = " ".join(sentence(draw, frame).text for frame in nobody), sentence(draw, nobody[0]).text
        if not any(found.find([text, answer], ("PER",), 0.5)) and text not in {row["body"] for row in rows}:
            rows.append({"body": text, "summary": answer, "title": "", "author": ""})
    return Planted(rows, names)


def write(folder: Path, rows: list[dict[str, str]], files: int = 6) -> Path:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[number::files]))
    return folder


def data_of(path: Path, *blocks: Any, **source: Any) -> Data:
    rules = {"min_chars": 1, "min_letters": 0, "max_quarantined": 0.5}
    given = {"kind": "jsonl", "path": str(path), "columns": COLUMNS, **source}
    return Data.model_validate({"source": given, "split": {"salt": "s"}, "filter": rules, "cleaning": blocks or None})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def ingest(tmp_path: Path, folder_settings: Settings, name_tagger: Path):
    def run(data: Data, name: str, processes: int = 1, kept: Any = None, digest: str = "a" * 64) -> tuple[Path, dict[str, int]]:
        output = tmp_path / name
        output.mkdir()
        pin = PINNERS.load("jsonl")(data.source, folder_settings)
        names = GivenModel(name_tagger, digest) if data.model_block else None
        return output, ingest_corpus(
            data, part(TASK, "examples"), pin, output, folder_settings, SilentReporter(),
            kept=Kept(kept or NothingKept(), NothingKept()), processes=processes, given=CleaningInputs(names=names),
        )  # fmt: skip

    return run


@pytest.mark.parametrize("block", [MASK, REPLACE, DROP], ids=["mask", "replace", "drop"])
def test_no_name_is_left_in_any_file(tmp_path: Path, ingest, planted: Planted, block) -> None:
    broken = [{"body": ["Ada Kelmarzak"], "summary": "x"}, {"body": "x", "summary": {"to": "Ada Kelmarzak"}}]
    source = write(tmp_path / "in", [*planted.rows, *broken])
    folder, counts = ingest(
        data_of(source, "encoding", {"kind": "private"}, block, {"kind": "language", "keep": ["en"], "min_confidence": 0}), "all"
    )
    assert counts["quarantined"] == 2
    again, _ = ingest(data_of(source, block, {"kind": "gopher", "min_words": 8, "min_stop_words": None}), "some")
    kept, of_kept = ingest(data_of(source, block), "kept")
    for place in (folder, again, kept):
        written = " ".join(path.read_text() for path in place.iterdir() if path.suffix != ".parquet")
        written += "\n".join(str(field) for split in SPLITS for document in read_documents(place, split) for field in document)
        assert [name for name in planted.names if name in written or name.split()[-1] in re.findall(r"[\w'-]+", written)] == []
        assert "Kelmarzak" not in written
    documents = [document for split in SPLITS for document in read_documents(kept, split)]
    assert of_kept["private_name"] >= 800
    if block is DROP:
        assert of_kept["filtered_private_name"] == 200
        return
    assert of_kept["changed_names"] == 200
    hidden = r"<name>" if block is MASK else r"<name-\d{1,3}>"
    assert {document.name for document in documents if not re.fullmatch(f"about {hidden}", document.name)} == {""}
    answers = {document.target for document in documents if document.target and "sent to" in document.target}
    assert all(re.fullmatch(f"It was sent to {hidden}\\.", answer) for answer in answers)
    assert len(answers) == 1 if block is MASK else len(answers) > 50


@pytest.mark.timeout(600)  # a second process loads torch
def test_processes_shares_and_the_incremental_run_make_the_same_bytes(
    tmp_path: Path, ingest, planted: Planted, folder_settings: Settings, name_tagger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(cleaned_chunks, "BYTES_A_MODEL", 1)
    source = write(tmp_path / "in", planted.rows[:40], files=8)
    data = data_of(source, REPLACE)
    one, _ = ingest(data, "one")
    two, _ = ingest(data, "two", processes=2)
    assert contents(one) == contents(two)

    kept, pin = StoredIntermediates(open_artifacts(folder_settings), {"code": "1"}), PINNERS.load("jsonl")(data.source, folder_settings)
    for number in (1, 2):
        (tmp_path / f"share{number}").mkdir()
        model = GivenModel(name_tagger, "a" * 64)
        clean_share(
            data,
            part(TASK, "examples"),
            pin,
            number,
            2,
            tmp_path / f"share{number}",
            folder_settings,
            SilentReporter(),
            kept,
            given=CleaningInputs(names=model),
        )
    searched: list[int] = []
    find = finders.NameFinder.find
    monkeypatch.setattr(finders.NameFinder, "find", lambda self, texts, *rest: searched.append(len(texts)) or find(self, texts, *rest))
    shared, _ = ingest(data, "shared", kept=kept)
    assert contents(shared) == contents(one)
    assert searched == []
    # one file more: its texts alone are looked at
    (source / "new.jsonl").write_text(
        json.dumps({"body": "We met Ada Kelmar near the server.", "summary": "x", "title": "", "author": ""}) + "\n"
    )
    more, _ = ingest(data, "more", kept=kept)
    few = sum(searched)
    whole, _ = ingest(data, "whole")
    assert contents(more) == contents(whole)
    assert 0 < few < (sum(searched) - few) / 3


def test_another_model_cleans_again_and_its_place_does_not(tmp_path: Path, folder_settings: Settings, planted: Planted) -> None:
    source = write(tmp_path / "in", planted.rows[:20], files=1)

    def whats(block: dict[str, Any] | None, digest: str = "1") -> Any:
        data = data_of(source, *([block] if block else []))
        pin, model = PINNERS.load("jsonl")(data.source, folder_settings), GivenModel(tmp_path, digest) if block else None
        return CleanedChunks(
            data, part(TASK, "examples"), pin, folder_settings, SilentReporter(), NothingKept(), tmp_path, given=CleaningInputs(names=model)
        ).whats

    first = whats(MASK)
    assert whats({**MASK, "model": "elsewhere"}) == first
    assert first not in [whats(MASK, "2"), whats({**MASK, "min_score": 0.4}), whats(REPLACE), whats(None)]
    assert not {"names", "cleaning"} & whats(None)[0].keys()


@pytest.fixture
def outcome(name_tagger: Path):
    """What becomes of a record of a task."""

    def run(task: Any, record: Record, *blocks: Any) -> Any:
        examples = part(task, "examples")
        cleaner = Cleaner(data_of(Path("x"), *blocks), Path(), prose=examples.prose, model=name_tagger)
        (one,) = look_ahead([record], cleaner, examples, SilentReporter())
        return cleaner.documents(one, examples)

    return run


def test_each_message_of_a_conversation_is_hidden(outcome) -> None:
    messages = [
        {"role": "user", "content": "We met Ada Kelmar near the server."},
        {"role": "assistant", "content": "It was sent to Oda Rosniwin."},
    ]
    (document,) = outcome(Chat(kind="chat"), Record("", messages), MASK)
    assert (document.text, document.target) == ("user: We met <name> near the server.", "It was sent to <name>.")
    assert "Kelmar" not in str(document)


def test_tagged_tokens_keep_their_number(outcome) -> None:
    tokens = ["We", "met", "Ada", "Kelmar", "near", "the", "server", "."]
    tags = ["O", "O", "B-PER", "I-PER", "O", "O", "O", "O"]
    (document,) = outcome(Tagging(kind="tagging"), Record(tokens, tags), MASK)
    assert document.text == "We met <name> <name> near the server ."
    assert json.loads(document.target) == tags
    assert outcome(Tagging(kind="tagging"), Record(tokens, tags), DROP) == "private_name"


def test_labels_are_no_texts(outcome) -> None:
    (document,) = outcome(Classification(kind="classification"), Record("We met Ada Kelmar near the server.", "Ada Kelmar"), MASK)
    assert (document.text, document.target) == ("We met <name> near the server.", "Ada Kelmar")


def test_one_name_has_one_stand_in_and_what_was_hidden_before_stays(outcome) -> None:
    text = "We met Ada Kelmar near the server. Ask Ada Kelmar. It was sent to ada@example.org."
    blocks = ({"kind": "private", "action": "replace", "salt": "a salt of ours"}, REPLACE)
    (document,) = outcome(TASK, Record(text, "x"), *blocks)
    stand_ins = re.findall(r"<name-\d+>", document.text)
    assert len(stand_ins) == 2
    assert len(set(stand_ins)) == 1
    assert re.search(r"to <email-\d+>\.$", document.text)


def test_a_quarantine_quotes_no_value(outcome) -> None:
    found = outcome(Chat(kind="chat"), Record("", [{"role": "Ada Kelmar", "content": "x"}], where="a:1"), MASK)
    assert found == ("role …, not one of system, user, assistant", "a:1", "")


def test_a_text_of_a_hundred_thousand_words_and_an_empty_one(outcome) -> None:
    words = ["The letter was lost in Oslo."] * 20_000 + ["We met Ada Kelmar near the server."]
    record = Record(" ".join(words), "x")
    rules = {"kind": "names", "model": "t"}
    assert outcome(TASK, record, rules) == "too_long"
    assert outcome(TASK, Record("", "x"), rules) == "too_short"


def test_steps_with_the_block_run_in_the_second_image_and_no_others() -> None:
    for name in ("cleaning", "ingestion", "test_set"):
        contract = COMPONENTS.load(name)
        with_names = {"data": {"cleaning": [{"kind": "private"}, MASK]}}
        assert contract.image_with(with_names) == f"{name}-training"
        assert {"torch", "transformers", "tokenizers"} <= set(contract.libraries_with(with_names))
        without = {"data": {"cleaning": [{"kind": "private"}]}}
        assert contract.image_with(without) == name
        assert "torch" not in contract.libraries_with(without)
    assert COMPONENTS.load("text_sample").image_with({"data": {"cleaning": [MASK]}}) == "text_sample"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"kind": "names"}, r"no data\.cleaning\.0\.model"),
        ({**MASK, "model": "models:/x"}, r"data\.cleaning\.0 \(names\): model 'models:/x'; expected models:/name@champion"),
        ({**MASK, "model": "http://x/y"}, r"model 'http://x/y'; expected a folder, s3://"),
        ({**MASK, "min_score": 1.5}, r"data\.cleaning\.0\.min_score = 1\.5; expected .*less than 1"),
        ({**MASK, "min_score": 0}, r"data\.cleaning\.0\.min_score = 0; expected .*greater than 0"),
        ({**MASK, "labels": []}, r"data\.cleaning\.0\.labels"),
        ({**MASK, "action": "hide"}, r"data\.cleaning\.0\.action = 'hide'; expected 'mask', 'replace' or 'drop'"),
        ({**MASK, "label": ["PER"]}, r"did you mean 'data\.cleaning\.0\.labels'"),
        ({**DROP, "salt": "a salt of ours"}, r"salt with action: drop; expected a salt .* for action: replace"),
        ({**MASK, "action": "replace"}, r"action: replace without salt"),
    ],
)
def test_what_a_recipe_may_not_say(block: dict[str, object], said: str) -> None:
    recipe = {
        "name": "tiny",
        "data": {"source": {"kind": "jsonl", "path": "x.jsonl"}, "split": {"salt": "s"}, "cleaning": [block]},
        "task": {"kind": "language_model"},
        "model": {"family": "gpt2"},
        "pretraining": {"objective": "causal_lm", "steps": 1},
        "registration": {"model": "tiny"},
    }
    with pytest.raises(BadInput, match=said) as refused:
        check_recipe(recipe, "tiny.yaml")
    assert "\n" not in str(refused.value)
