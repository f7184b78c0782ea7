"""What each block of cleaning changes, filters and leaves alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from fixtures.cleaned import cleaner
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corpus.cleaning import BLOCKS
from pipeline.corpus.cleaning.base import Candidate
from pipeline.corpus.cleaning.repetition import repeats_runs
from pipeline.corpus.cleaning.report import CleaningReport
from pipeline.corpus.documents import Record
from pipeline.errors import BadInput
from pipeline.recipe import Columns, Filter
from pipeline.tasks.language_model.examples import Examples
from pipeline.tasks.language_model.section import LanguageModel

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = Examples(LanguageModel(kind="language_model"))
PROSE = (
    "The archive is read once, and every member is checked before it is written to disk. A member that leads out of the folder is refused with "
    "an error that names it. Links are followed only if the caller wants that, and the permissions of files are taken over as they have been "
    "stored. After the last member the index is written, and the folder can be used."
)


def outcome(text: str, *blocks: object, **rules: object) -> str:
    """The cleaned text, or ``filtered_<reason>``."""
    found = cleaner(*blocks, **{"min_chars": 1, "min_letters": 0, **rules}).documents(Record(text), TEXTS)
    return found[0].text if isinstance(found, list) else f"filtered_{found}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schÃ¶n, â€œquotedâ€\x9d", "schön, “quoted”"),
        ("a &amp; b", "a & b"),
        ("if a &amp; b: <b>", "if a &amp; b: <b>"),
        ("don\u2019t \ufb01x what is \uff2f\uff2b", "don\u2019t \ufb01x what is \uff2f\uff2b"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_encoding_repairs_what_is_broken_only(text: str, expected: str) -> None:
    assert outcome(text, "encoding") == expected


def test_boilerplate_removes_whole_lines() -> None:
    page = "Skip to main content\nThe text says: share this on Monday.\nShare this on Facebook\n\nAccept all cookies\n© 2024 Firm. All rights reserved.\nPage 3 of 9\nIt ends here."
    assert outcome(page, "boilerplate") == "The text says: share this on Monday.\n\nIt ends here."
    assert outcome("Filed under: x\nA text.", {"kind": "boilerplate", "lines": ["filed under: .*"]}) == "A text."
    assert outcome("Page 3\nFiled", {"kind": "boilerplate", "known": False, "lines": ["filed"]}) == "Page 3"


def test_c4_lines_keep_sentences() -> None:
    text = "A heading\nThis line is a whole sentence.[3]\nToo short.\nThis line ends in an ellipsis...\nPlease enable javascript to see this page.\nSee our terms of use before you begin."
    assert outcome(text, "c4_lines") == "This line is a whole sentence."


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (PROSE, True),
        ("Das Archiv wird einmal gelesen, und jede Datei wird geprüft.", True),
        ("L'archive est lue une seule fois, puis fermée.", False),
    ],
)
def test_language_keeps_some_and_counts_all(text: str, kept: bool) -> None:
    one = cleaner({"kind": "language", "keep": ["en", "de"]})
    assert (one.documents(Record(text), TEXTS) != "language") is kept
    (name,) = [name for name in one.report.counts if name.startswith("language_")]
    assert name == "language_" + {"T": "en", "D": "de", "L": "fr"}[text[0]]


def test_a_language_that_is_not_certain_is_unknown() -> None:
    assert outcome("x = 1", {"kind": "language", "keep": ["en"], "min_confidence": 0.9}) == "filtered_language"
    assert outcome("x = 1", {"kind": "language", "keep": ["en"], "min_confidence": 0.9, "unknown": "keep"}) == "x = 1"


@pytest.mark.parametrize(
    ("text", "scripts", "kept"),
    [
        ("plain", ["Latin"], True),
        ("plain", ["Cyrillic"], False),
        ("123 !?", ["Cyrillic"], True),
        ("слово за слово", ["Cyrillic"], True),
        ("слово word word", ["Cyrillic"], False),
        ("日本語のテキスト", ["Han", "Hiragana", "Katakana"], True),
        ("日本語のテキスト", ["Han"], False),
    ],
)
def test_scripts(text: str, scripts: list[str], kept: bool) -> None:
    assert (outcome(text, {"kind": "scripts", "keep": scripts}) == text) is kept


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PROSE, None),
        ("the of " * 20, "few_words"),
        ("of a to " * 40, "short_words"),
        ("the internationalization " * 40, "long_words"),
        (PROSE + " #" * 30, "symbols"),
        ("\n".join(f"- {PROSE}" for _ in range(3)), "bullets"),
        ("\n".join(f"{PROSE} and so on..." for _ in range(3)), "ellipses"),
        (PROSE + " 1234 5678" * 20, "letters"),
        ("Der Hund sieht eine Katze unter dem Baum " * 8, "stop_words"),
    ],
)
def test_gopher(text: str, reason: str | None) -> None:
    assert outcome(text, "gopher") == (f"filtered_gopher_{reason}" if reason else text)


def test_a_rule_is_switched_off_by_null() -> None:
    assert outcome("A few words.", {"kind": "gopher", "min_words": None, "min_stop_words": None}) == "A few words."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PROSE, None),
        ("\n".join(["The same line.", "Another line."] * 3), "lines"),
        ("\n\n".join(["The same\nparagraph.", "Another one."] * 3 + ["x\ny"]), "lines"),
        (" ".join([PROSE] * 2), "runs"),
        ("go on " * 30, "runs"),
    ],
)
def test_repetition(text: str, reason: str | None) -> None:
    assert outcome(text, "repetition") == (f"filtered_repeated_{reason}" if reason else text)


def repeated_plainly(words: list[str]) -> bool:
    """The table of Gopher, run by run."""
    total = sum(map(len, words))
    for length, most in {2: 0.20, 3: 0.18, 4: 0.16}.items():
        runs = [tuple(words[place : place + length]) for place in range(len(words) - length + 1)]
        times = {run: runs.count(run) for run in runs}
        if times and max(times.values()) > 1:
            top = max(times[run] * sum(map(len, run)) for run in runs if times[run] == max(times.values()))
            if top > most * total:
                return True
    for length, most in {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}.items():
        seen, covered = set(), set()
        for place in range(len(words) - length + 1):
            run = tuple(words[place : place + length])
            if run in seen:
                covered |= set(range(place, place + length))
            seen.add(run)
        if sum(len(words[place]) for place in covered) > most * total:
            return True
    return False


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*"abcdefghijklmnop", "longer", "words", "here"]), max_size=60))
def test_repeated_runs_equal_a_plain_count(words: list[str]) -> None:
    assert repeats_runs(words) == repeated_plainly(words)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(PROSE, None), ("One. Two.", "few_sentences"), (PROSE + " {", "braces"), (PROSE + " Lorem ipsum dolor.", "lorem_ipsum")],
)
def test_c4(text: str, reason: str | None) -> None:
    assert outcome(text, "c4") == (f"filtered_c4_{reason}" if reason else text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("All is well here.", True),
        ("It is BAD\nWORD-like.", False),
        ("badwords and a badly", True),
        ("A stra\u00dfe.", False),
        ("A STRASSE.", False),
    ],
)
def test_blocklist_has_whole_words_in_any_case(text: str, kept: bool) -> None:
    assert (outcome(text, {"kind": "blocklist", "words": ["bad word", "Stra\u00dfe"]}) == " ".join(text.split(" "))) is kept


def test_words_come_from_a_pinned_file(tmp_path: Path) -> None:
    data = b"# mild\nbad\n\nworse words\n"
    (tmp_path / "words.txt").write_bytes(data)
    section = {"kind": "blocklist", "file": "words.txt", "sha256": hashlib.sha256(data).hexdigest(), "max_times": 1}
    one = cleaner(section, home=tmp_path, min_chars=1)
    assert [isinstance(one.documents(Record(text), TEXTS), list) for text in ("bad", "mild", "bad and worse words")] == [True, True, False]
    block = BLOCKS.load("blocklist").model_validate(section)
    block.check_files(tmp_path)
    (tmp_path / "words.txt").write_bytes(data + b"more\n")
    with pytest.raises(BadInput, match=r"word list .*words.txt has sha256 \w{64}; expected \w{64}, which the recipe pins; fix:"):
        block.check_files(tmp_path)
    (tmp_path / "words.txt").unlink()
    with pytest.raises(BadInput, match=r"word list .*words\.txt: No such file or directory"):
        block.check_files(tmp_path)


def test_vocabulary() -> None:
    words = {"kind": "vocabulary", "words": ["the", "cat", "isn't", "here"], "max_outside": 0.34}
    assert outcome("The cat ISN\u2019T here, 12 x3 times.", words) == "The cat ISN\u2019T here, 12 x3 times."
    assert outcome("Thw cta isn't heer.", words) == "filtered_vocabulary"
    assert outcome("12 34", words) == "12 34"


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("MIT MIT", False),
        ("(MIT", False),
        ("MIT OR", False),
        ("", False),
    ],
)
def test_license(expression: str, kept: bool) -> None:
    block = {"kind": "license", "allow": ["MIT", "Apache-2.0", "BSD-*"]}
    found = cleaner(block).documents(Record(PROSE, license=expression or None), TEXTS)
    assert isinstance(found, list) is kept
    if expression:
        assert isinstance(cleaner(block).documents(Record(f"# SPDX-License-Identifier: {expression}\n{PROSE}"), TEXTS), list) is kept


def test_a_text_without_license_is_counted(tmp_path: Path, ingest) -> None:
    block = {"kind": "license", "allow": ["MIT"], "unknown": "keep"}
    one = cleaner(block)
    assert isinstance(one.documents(Record(PROSE), TEXTS), list)
    assert one.report.counts["license_unknown"] == 1
    rows = [{"body": f"{PROSE} {number}", "lic": {"id": "MIT" if number % 2 else "GPL-2.0-only"}} for number in range(200)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, counts = ingest("jsonl", tmp_path / "rows.jsonl", columns=Columns(text="body", license="lic.id"), cleaning=[block])
    assert (counts["filtered_license"], counts["kept"]) == (100, 100)


def test_split_parts_add_up(tmp_path: Path, ingest) -> None:
    rows = [
        {"body": f"Row {number}. " + " ".join(f"Sentence {number} {one} is here." for one in range(number % 30)), "author": f"a{number}"}
        for number in range(200)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = Columns(text="body", group="author")
    _, counts = ingest(
        "jsonl", tmp_path / "rows.jsonl", columns=columns, filter=Filter(max_chars=300, too_long="split"), split={"by": "group"}
    )
    assert counts["read"] == 200
    assert counts["split_parts"] > 100
    assert counts["read"] + counts["split_parts"] == counts["kept"] + counts["duplicate"] + counts["filtered"] + counts["quarantined"]


@pytest.mark.parametrize("kind", sorted(set(BLOCKS) - {"names"}))  # it needs a model: test_names.py
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_has_an_outcome_which_is_the_same_again(kind: str, text: str) -> None:
    block = BLOCKS.load(kind).model_validate({"kind": kind, **NEEDED.get(kind, {})})
    step = block.start(None)
    if block.stage == "filter":
        assert step.judge(Candidate(text)) == step.judge(Candidate(text))
    else:
        once = step.change(text).text
        assert step.change(text).text == once
        assert once.encode("utf-8", "surrogatepass") is not None


NEEDED = {
    "language": {"keep": ["en"]},
    "scripts": {"keep": ["Latin"]},
    "blocklist": {"words": ["a", "b c"]},
    "vocabulary": {"words": ["a"]},
    "license": {"allow": ["MIT"]},
}
"""Fields without a default."""


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([PROSE, "Tiny.", "Mid sentence, no end. ", "\n\n", "word " * 30, "x" * 90]), min_size=1, max_size=12))
def test_a_text_that_is_split_loses_nothing_but_blanks(pieces: list[str]) -> None:
    one = cleaner(min_chars=20, max_chars=100, min_letters=0, too_long="split")
    text = one.text("".join(pieces))
    found = one.documents(Record("".join(pieces), name="n", group="g"), TEXTS)
    if found == "too_short":
        return
    assert "".join("".join(document.text for document in found).split()) == "".join(text.split())
    assert all(len(document.text) <= 100 for document in found)
    assert {(document.name, document.group) for document in found} == {("n", "g")}
    assert one.report.counts["split_parts"] == len(found) - 1


def test_a_text_is_cut_between_sentences() -> None:
    one = cleaner(max_chars=100, too_long="cut")
    (document,) = one.documents(Record(PROSE), TEXTS)
    assert document.text == PROSE[: PROSE.index(" A member")]
    assert one.report.counts["cut_texts"] == 1


def test_reports_of_parts_add_up_to_that_of_the_whole(tmp_path: Path) -> None:
    blocks = ["encoding", "boilerplate", {"kind": "language", "keep": ["en"]}]
    texts = [
        text
        for number in range(9)
        for text in (f"{PROSE} {number} &amp;", f"Accept cookies\n{PROSE} {number}", f"C'est la vie, numéro {number}.")
    ]
    whole, merged = cleaner(*blocks), CleaningReport()
    for text in texts:
        whole.documents(Record(text), TEXTS)
    for start in range(0, len(texts), 5):
        part = cleaner(*blocks)
        for text in texts[start : start + 5]:
            part.documents(Record(text), TEXTS)
        merged.merge(CleaningReport.from_json(json.loads(json.dumps(part.report.to_json()))))
    assert merged.to_json() == whole.report.to_json()
    assert whole.report.counts["changed_encoding"] == whole.report.counts["changed_boilerplate"] == 9
    assert [len(rows) for rows in (*merged.changed.values(), *merged.filtered.values())] == [5, 5, 5]
    assert merged.changed["boilerplate"][0]["before"].startswith("Accept cookies\nThe archive")
