"""Each baseline: what it answers, and that it never reads the answer."""

from __future__ import annotations

from math import log
from statistics import fmean

import pytest
from fixtures.documents import document

from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.baselines.base import Known
from pipeline.metrics.load_metric import load_metric

TEXTS = [
    document(1, "reads a file from disk", "Read a file."),
    document(2, "reads a socket until it is closed", "Read a socket."),
    document(3, "multiplies matrices quickly", "Read a file."),
]
WRITTEN = Known(TEXTS, [one.target for one in TEXTS])
CLASSES = Known(TEXTS, ["input", "network", "input"])
SEVERAL = Known(TEXTS, [("fast", "input"), ("network",), ("fast",)])
NUMBERS = Known(TEXTS, [1.0, 2.0, 6.0])
TAGGED = Known(
    [document(1, "Ada met Bob in Paris"), document(2, "Paris met Ada")],
    [["B-PER", "O", "B-PER", "O", "B-LOC"], ["B-LOC", "O", "B-PER"]],
)
RED, GREEN, BLUE = (bytes(colour) * 16 * 16 for colour in ((200, 20, 20), (20, 200, 20), (20, 20, 200)))
SEEN = Known([one._replace(image=image) for one, image in zip(TEXTS, (RED, GREEN, BLUE), strict=True)], ["red", "green", "blue"])
DARK_RED = bytes((150, 10, 30)) * 16 * 16
KNOWN = {"nearest_image": SEEN, "frequent_tag": TAGGED, "majority": CLASSES, "mean_number": NUMBERS, "tfidf_logistic": CLASSES}


def predict(name: str, known: Known, *asked):
    return BASELINES.load(name).predict(known, list(asked))


@pytest.mark.parametrize(
    ("name", "known", "asked", "answer"),
    [
        ("lead", WRITTEN, document(9, "one two three four five"), "one two three"),
        ("lead", WRITTEN, document(9, "(one,\n two)  three\tfour"), "(one, two) three"),
        ("lead", Known(TEXTS[:1], ["打开文件"]), document(9, "关闭 config 窗口。"), "关闭 config 窗"),
        ("lead", WRITTEN, document(9, ""), ""),
        ("most_frequent", WRITTEN, document(9), "Read a file."),
        ("name_template", WRITTEN, document(9, name="shop.HTTPServer.getUser_name2"), "Return the get user name2."),
        ("name_template", WRITTEN, document(9, name=""), "Return the."),
        ("nearest_neighbour", WRITTEN, document(9, "the socket that is closed"), "Read a socket."),
        ("nearest_neighbour", CLASSES, document(9, "the socket that is closed"), "network"),
        ("nearest_neighbour", SEVERAL, document(9, "the file on the disk"), ("fast", "input")),
        ("nearest_neighbour", NUMBERS, document(9, "matrices"), 6.0),
        ("nearest_image", SEEN, document(9, "green")._replace(image=DARK_RED), "red"),
        ("copy_source", WRITTEN, document(9, "Datei öffnen"), "Datei öffnen"),
        ("majority", CLASSES, document(9), "input"),
        ("majority", SEVERAL, document(9), ("fast",)),
        ("mean_number", NUMBERS, document(9), 3.0),
        ("tfidf_logistic", CLASSES, document(9, "the socket is closed"), "network"),
        ("frequent_tag", TAGGED, document(9, "Bob saw Paris"), ["B-PER", "O", "B-LOC"]),
    ],
)
def test_each_baseline(name: str, known: Known, asked, answer) -> None:
    assert [prediction.answer for prediction in predict(name, known, asked, asked)] == [answer, answer]


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_no_baseline_looks_at_the_answer(name: str) -> None:
    known = KNOWN.get(name, WRITTEN)
    first, second = (document(9, target=target)._replace(image=DARK_RED) for target in ("Read a socket.", "Anything."))
    assert predict(name, known, first) == predict(name, known, second)


def test_the_probabilities_of_classifiers_add_up_and_name_the_answer() -> None:
    for name in ("majority", "tfidf_logistic"):
        (said,) = predict(name, CLASSES, document(9, "reads a socket"))
        assert set(said.scores) == {"input", "network"}
        assert sum(said.scores.values()) == pytest.approx(1)
        assert said.scores[said.answer] == max(said.scores.values())


def test_logistic_regression_learns_classes_that_words_tell_apart() -> None:
    texts = [(f"{'open close' if index % 2 else 'add multiply'} number {index}", "io" if index % 2 else "math") for index in range(60)]
    known = Known([document(index, text) for index, (text, _) in enumerate(texts)], [name for _, name in texts])
    asked = [document(99, "close it"), document(99, "multiply it"), document(99, "打开")]
    said = predict("tfidf_logistic", known, *asked)
    assert [one.answer for one in said[:2]] == ["io", "math"]
    assert max(said[2].scores.values()) < 0.6


def test_several_classes_are_those_with_at_least_half_the_probability() -> None:
    rows = [("cat", ("pet",)), ("dog", ("pet", "loyal")), ("wolf", ("loyal",)), ("stone", ())] * 15
    known = Known([document(index, f"a {text}") for index, (text, _) in enumerate(rows)], [names for _, names in rows])
    said = predict("tfidf_logistic", known, *(document(99, word) for word in ("dog", "cat", "stone")))
    assert [set(one.answer) for one in said] == [{"pet", "loyal"}, {"pet"}, set()]


def test_one_class_and_texts_without_words_are_no_problem() -> None:
    assert predict("tfidf_logistic", Known(TEXTS, ["a", "a", "a"]), document(9))[0].scores == {"a": 1.0}
    empty = Known([document(1, "…"), document(2, "!")], ["a", "b"])
    assert predict("nearest_neighbour", empty, document(9, "?"))[0].answer == "a"
    assert predict("tfidf_logistic", empty, document(9, "?"))[0].scores["b"] == pytest.approx(0.5, abs=0.01)


def test_words_of_every_script_are_compared() -> None:
    known = Known([document(1, "打开文件"), document(2, "关闭窗口"), document(3, "कमल का फूल")], ["open", "close", "flower"])
    said = predict("nearest_neighbour", known, document(9, "文件"), document(9, "窗口"), document(9, "फूल"))
    assert [one.answer for one in said] == ["open", "close", "flower"]


def test_the_second_text_of_an_input_counts() -> None:
    rows = [document(1, "same")._replace(pair="open it"), document(2, "same")._replace(pair="close it")]
    said = predict("nearest_neighbour", Known(rows, ["io", "end"]), document(9, "same")._replace(pair="close"))
    assert said[0].answer == "end"


def test_retrieval_ranks_the_second_texts_of_all_that_is_asked() -> None:
    asked = [
        document(index, text)._replace(pair=second)
        for index, (text, second) in enumerate(
            [("reads a file", "a file on disk"), ("reads a socket", "the socket"), ("日本", "日本語"), ("x", None)]
        )
    ]
    said = predict("tfidf_retrieval", Known([*TEXTS, document(7, "日本語")], ["a"] * 4), *asked)
    assert [one.answer for one in said[:3]] == ["a file on disk", "the socket", "日本語"]
    assert set(said[3].scores) == {"a file on disk", "the socket", "日本語"}


def test_compression_learns_from_training_texts_and_gives_bits_of_bytes() -> None:
    known = Known([document(1, "the socket is closed when the last reader is gone")], [None])
    near, far = (
        one.likelihood for one in predict("gzip", known, document(9, "the socket is closed"), document(9, "Käse für den Mäusekönig"))
    )
    assert near.nats / near.bytes < far.nats / far.bytes
    assert (near.bytes, far.bytes) == (20, 27)
    assert far.nats % (8 * log(2)) == pytest.approx(0, abs=1e-9) or far.nats % (8 * log(2)) == pytest.approx(8 * log(2))
    assert [load_metric(name).applies_to(predict("gzip", known, document(9))) for name in ("bits_per_byte", "perplexity")] == [True, False]


def test_the_mean_is_that_of_all_numbers() -> None:
    assert predict("mean_number", Known(TEXTS, [1, 2.5, 4]), document(9))[0].answer == fmean([1, 2.5, 4])
