"""The rules about a corpus, and its page and card, which no document can break."""

from __future__ import annotations

import base64
import html.parser
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fixtures.corpora import write_corpus
from fixtures.simulated_texts import Language
from fixtures.stored_corpora import rows, store_corpus
from PIL import Image
from pydantic import ValidationError

from pipeline.artifacts import open_artifacts
from pipeline.corpora import DATA_RULES
from pipeline.corpora.card import render_card
from pipeline.corpora.drift import corpus_drift
from pipeline.corpora.facts import read_facts
from pipeline.corpora.of_sources import FIGURES, count_name
from pipeline.corpora.page import render_page
from pipeline.corpora.report import make_report
from pipeline.corpora.rules import Looked, ask, refuse
from pipeline.errors import BadInput
from pipeline.recipe.data_checks import OWN, DataRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.corpora.rules import Finding


@pytest.fixture
def looked(folder_settings, tmp_path) -> Callable[..., Looked]:
    def make(records: list[dict[str, Any]], run: str = "mails-20260101-000000-0000", **compared: Looked) -> Looked:
        made = store_corpus(folder_settings, tmp_path, records, run)
        folder = open_artifacts(folder_settings).open(made, tmp_path / f"opened-{run}")
        others = {name: (other.folder, other.counts) for name, other in compared.items()}
        return Looked(folder, made.counts, read_facts(folder), others)

    return make


def one(looked: Looked, **rule: object) -> Finding:
    (found,) = ask((DataRule.model_validate(rule),), looked)
    return found


@pytest.mark.parametrize(
    ("rule", "met", "value", "limit"),
    [
        ({"rule": "documents", "min": 300}, True, "300", "at least 300"),
        ({"rule": "documents", "min": 301, "max": 400}, False, "300", "301 to 400"),
        ({"rule": "mean_length", "max": 20}, False, "characters", "at most 20"),
        ({"rule": "bytes", "min": 10_000}, True, "", "at least 1e+04"),
        ({"rule": "required", "of": "group"}, True, "100 % (300 of 300)", "at least 100 %"),
        ({"rule": "required", "of": "pair", "min": 0.5}, False, "0 % (0 of 300)", "at least 50 %"),
        ({"rule": "share", "of": "duplicate", "max": 0.001}, False, "% (2 of 302)", "at most 0.1 %"),
        ({"rule": "share", "of": "filtered_too_long", "max": 0}, True, "0 %", "at most 0 %"),
        ({"rule": "class_documents", "min": 1000}, False, "(", "at least 1000"),
        ({"rule": "class_share", "max": 0.33}, False, "%", "at most 33 %"),
        ({"rule": "change", "of": "previous", "min": -0.1}, True, "nothing to compare with", "at least -10 %"),
        ({"rule": "drift", "of": "champion"}, True, "nothing to compare with", "no difference of 0.1"),
    ],
)
def test_each_rule_says_what_it_found(looked, rule, met, value, limit) -> None:
    found = one(looked([*rows(300), *rows(2)]), **rule)
    assert found.met is met
    assert value in found.value
    assert found.limit.startswith(limit)


def test_every_rule_of_the_recipe_can_be_asked() -> None:
    assert {*DATA_RULES, "drift"} == OWN


def test_a_corpus_is_compared_with_another_one(looked) -> None:
    before = looked(rows(300))
    after = looked(rows(200), "mails-20260102-000000-0000", previous=before)
    assert one(after, rule="change", of="previous", min=-0.4).met
    found = one(after, rule="change", of="previous", min=-0.3)
    assert (found.met, found.value) == (False, "-33.3 %")


def test_languages_are_read_from_the_counts(looked) -> None:
    made = looked(rows(300))
    with pytest.raises(BadInput, match="counts no languages"):
        one(made, rule="language", of="de", min=0.2)
    counted = Looked(made.folder, {**made.counts, "language_de": 100, "language_en": 200}, made.facts)
    assert one(counted, rule="language", of="de", min=0.3).met
    assert not one(counted, rule="language", of="en", max=0.5).met


def test_shares_of_sources_are_read_from_the_counts(looked) -> None:
    made = looked(rows(300))
    with pytest.raises(BadInput, match=r"source web is none of this corpus; expected a recipe with data\.sources"):
        one(made, rule="source", of="web", max=0.2)
    figures = dict.fromkeys(FIGURES, 0)
    given = {
        count_name(figure, name): value
        for name, size in (("web", 100), ("books", 300))
        for figure, value in {**figures, "characters": size}.items()
    }
    counted = Looked(made.folder, {**made.counts, **given}, made.facts)
    found = one(counted, rule="source", of="web", max=0.2)
    assert (found.met, found.value) == (False, "25 % (100 of 400)")
    with pytest.raises(BadInput, match="one of: books, web"):
        one(counted, rule="source", of="wep", max=0.2)


def test_a_stop_names_rule_value_limit_and_fix_and_a_warning_does_not_stop(looked) -> None:
    made = looked(rows(300))
    warned = one(made, rule="documents", min=1000, level="warn")
    refuse([warned], "trainshed data show mails")
    assert warned.verdict == "warning"
    with pytest.raises(BadInput) as refused:
        refuse([warned, one(made, rule="documents", min=500)], "trainshed data show mails")
    assert str(refused.value) == (
        "data.checks: documents is 300; expected at least 500; "
        "fix: correct the source, or change min of this rule in the recipe; see `trainshed data show mails`"
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "documents"}, "min or max in a rule documents"),
        ({"rule": "documents", "of": "x", "min": 1}, "no of in a rule documents"),
        ({"rule": "required", "of": "txet"}, "of: pair or target or name or group"),
        ({"rule": "required"}, "of in a rule required"),
        ({"rule": "share", "of": "duplicates", "max": 1}, "of: kept, duplicate"),
        ({"rule": "drift", "of": "previous", "max": 1}, "neither min nor max"),
        ({"rule": "documents", "min": 1, "false_alarms": 0.1}, "neither false_alarms"),
        ({"rule": "documents", "min": 2, "max": 1}, "not above max"),
        ({"rule": "documents", "min": float("nan")}, "finite"),
    ],
)
def test_a_wrong_rule_is_refused_when_the_recipe_is_read(rule, said) -> None:
    with pytest.raises(ValidationError, match=said):
        DataRule.model_validate(rule)


def corpus(folder: Path, texts: list[str]) -> Path:
    return write_corpus(folder, {"train": [("", text, None) for text in texts]})


def test_other_texts_drift_and_the_same_ones_alarm_at_the_stated_rate_or_less(tmp_path) -> None:
    language, rate, windows = Language(1), 0.2, 30
    before = corpus(tmp_path / "before", language.texts(1500, 0))
    alarms = 0
    for seed in range(1, windows + 1):
        after = corpus(tmp_path / f"after-{seed}", language.texts(900, seed))
        alarms += any(shift.crossed for shift in corpus_drift(before, after, rate, 0.0))
    assert alarms <= 12  # 30 windows at a rate of at most 0.2: more has a probability below 0.4 %
    assert any(shift.crossed for shift in corpus_drift(before, corpus(tmp_path / "other", Language(2).texts(900, 0)), 0.01, 0.1))
    assert corpus_drift(before, corpus(tmp_path / "few", language.texts(50, 0)), 0.01, 0.1) is None


def test_documents_of_both_corpora_are_no_drift(tmp_path) -> None:
    """A retraining has most of its documents from before: no test may meet in one sample what it learned from the other."""
    alarms = 0
    for seed in range(15):
        texts = Language(1).texts(2400, seed)
        before, after = corpus(tmp_path / f"before-{seed}", texts[:1500]), corpus(tmp_path / f"after-{seed}", texts[100:])
        alarms += any(shift.crossed for shift in corpus_drift(before, after, 0.2, 0.0))
    assert alarms <= 8  # 15 windows at a rate of at most 0.2: more has a probability below 0.1 %


HOSTILE = '</pre><script>alert(1)</script>\n```\n# Title\n---\n"}}{{ x }}{% raw %} & <img src=x onerror=y> | a | b'


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_no_document_can_change_page_or_card(folder_settings, tmp_path) -> None:
    records = [
        *rows(300),
        *({**row, "text": f"{HOSTILE} {index}", "author": HOSTILE, "title": HOSTILE} for index, row in enumerate(rows(20))),
    ]
    made = store_corpus(folder_settings, tmp_path, records)
    folder = open_artifacts(folder_settings).open(made, tmp_path / "opened")
    report = make_report("mails", made, folder)
    samples = [found._replace(text=HOSTILE, name=HOSTILE, group=HOSTILE, target=HOSTILE) for found in report.samples]
    example = {"id": "1", "name": HOSTILE, "split": "train", "words": HOSTILE, "test_text": HOSTILE}
    row = {"name": "quiz", "reason": "contaminated", "ngram": 13, "share": None, "texts": 9, "not_looked_for": 1, "documents": 417}
    contamination = ({**row, "examples": [example]}, {**row, "name": "other", "share": 0.7, "examples": []})
    report = type(report)(report.name, report.manifest, report.facts, tuple(samples), report.findings, None, contamination)
    page, card = render_page(report), render_card(report)
    found = Tags()
    found.feed(page)
    assert not {"script", "img"} & set(found.tags)
    assert "alert(1)" in page
    assert "417" in page
    assert "one run" in page
    assert "70 %" in page
    assert render_page(report) == page
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"][0]["data_files"][0] == {"split": "train", "path": "train-*.parquet"}
    outside = re.sub(r"^(````+)text\n.*?\n\1$", "", card, flags=re.DOTALL | re.MULTILINE)
    assert "alert" not in outside
    assert "script" not in outside


def test_a_page_shows_images_small(tmp_path, folder_settings) -> None:
    made = store_corpus(folder_settings, tmp_path, rows(60))
    report = make_report("mails", made, open_artifacts(folder_settings).open(made, tmp_path / "opened"))
    samples = tuple(found._replace(image=bytes([200, 30, 30]) * 120 * 120) for found in report.samples)
    page = render_page(replace(report, samples=samples))
    shown = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="">', page)
    assert len(shown) == len(samples) > 0
    image = Image.open(io.BytesIO(base64.b64decode(shown[0])))
    assert (image.size, image.getpixel((5, 5))) == ((96, 96), (200, 30, 30))
