"""Every metric equals the library that defines it, on examples and on whatever hypothesis makes; also when it reads resampled sums."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF
from scipy import stats
from seqeval.metrics import f1_score as seqeval_f1
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.preprocessing import MultiLabelBinarizer

from pipeline.metrics import METRICS
from pipeline.metrics.base import Likelihood, Prediction
from pipeline.metrics.load_metric import load_metric

WORDS = st.sampled_from(["the", "cat", "sat", "on", "a", "mat", "The", "dog.", "naïve", "x1"])
TEXT = st.lists(WORDS, max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)
LABEL = st.sampled_from(["cat", "dog", "bird", "fish"])
LABELS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=30)
TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1, max_size=8)
NUMBER = st.floats(-100, 100).map(lambda value: round(value, 3))


def score(name: str, references, answers) -> float:
    """The value of summed statistics."""
    metric = load_metric(name)
    rows = metric.statistics(references, [Prediction(answer) for answer in answers])
    return float(metric.value(rows.sum(axis=0)))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_the_table_and_the_metric_agree_about_its_name(name: str) -> None:
    metric = load_metric(name)
    assert metric.name == name
    assert metric.meaning.lower().startswith(f"{metric.title.lower()}")
    assert ("lower is better" in metric.meaning) == (not metric.higher_is_better)
    assert metric.sign == (1 if metric.higher_is_better else -1)


@given(PAIRS)
@settings(max_examples=60, deadline=None)
def test_bleu_and_chrf_equal_sacrebleu(pairs) -> None:
    references, answers = map(list, zip(*pairs, strict=True))
    assert score("bleu", references, answers) == pytest.approx(BLEU().corpus_score(answers, [references]).score, abs=1e-9)
    assert score("chrf", references, answers) == pytest.approx(CHRF().corpus_score(answers, [references]).score, abs=1e-9)


def test_bleu_and_chrf_of_many_resamples_equal_sacrebleus_of_each() -> None:
    references = ["the cat sat on the mat", "a dog ran over the hill", "it rains today in the north"]
    answers = ["the cat sat on a mat", "the dog ran over a hill", "today it rains in the north of it"]
    weights = np.random.default_rng(0).integers(0, 3, (20, 3))
    weights[0] = 0
    for name, library in (("bleu", BLEU()), ("chrf", CHRF())):
        metric = load_metric(name)
        totals = weights @ metric.statistics(references, [Prediction(answer) for answer in answers])
        for row, found in zip(weights, metric.value(totals), strict=True):
            picked = [index for index, count in enumerate(row) for _ in range(count)]
            whole = library.corpus_score([answers[i] for i in picked], [[references[i] for i in picked]]).score if picked else 0.0
            assert found == pytest.approx(whole, abs=1e-9)


def test_bleu_of_chinese_equals_sacrebleus_tokenizer_for_it() -> None:
    references = ["他打开了文件 config.yaml 并读取内容。", "今天天气很好。我们去公园。", "北京有2000万人口"]
    answers = ["他打开文件 config.yaml 读取了内容。", "今天天气不好。我们去公园玩。", "北京有2000万人"]
    wanted = BLEU(tokenize="zh").corpus_score(answers, [references]).score
    assert score("bleu", references, answers) == pytest.approx(wanted)
    assert wanted > 40 > BLEU().corpus_score(answers, [references]).score


@pytest.mark.parametrize(
    ("reference", "answer"), [("น้ำดีมากวันนี้ครับ", "น้ำดีมากวันนี้ค่ะ"), ("မင်္ဂလာပါခင်ဗျာ", "မင်္ဂလာပါရှင့်"), ("ファイルを開く", "ファイルを閉じる")]
)
def test_bleu_gives_partial_credit_in_scripts_without_blanks(reference: str, answer: str) -> None:
    assert 20 < score("bleu", [reference], [answer]) < 90


@given(st.lists(st.tuples(TAGS, st.randoms()), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_span_f1_equals_seqeval(rows) -> None:
    references = [tags for tags, _ in rows]
    answers = [[draw.choice(["O", "B-PER", "I-PER", tag]) for tag in tags] for tags, draw in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = seqeval_f1(references, answers, zero_division=0)
    assert score("span_f1", references, answers) == pytest.approx(100 * wanted)


def test_span_f1_on_seqevals_own_example() -> None:
    expected = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    answered = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    assert score("span_f1", expected, answered) == pytest.approx(50.0)


@given(LABELS)
@settings(max_examples=80, deadline=None)
def test_label_metrics_equal_scikit_learn(pairs) -> None:
    references, answers = map(list, zip(*pairs, strict=True))
    present = sorted(set(references))
    assert score("accuracy", references, answers) == pytest.approx(100 * np.mean([a == b for a, b in pairs]))
    assert score("f1_micro", references, answers) == pytest.approx(100 * f1_score(references, answers, average="micro"))
    wanted = f1_score(references, answers, average="macro", labels=present, zero_division=0)
    assert score("f1_macro", references, answers) == pytest.approx(100 * wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns when there is one class only
        assert score("mcc", references, answers) == pytest.approx(matthews_corrcoef(references, answers))


@given(st.lists(st.tuples(st.sets(LABEL), st.sets(LABEL)), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_metrics_of_several_labels_equal_scikit_learn(pairs) -> None:
    references, answers = (
        [tuple(sorted(side, reverse=index == 1)) for side in column] for index, column in enumerate(zip(*pairs, strict=True))
    )
    table = MultiLabelBinarizer(classes=["bird", "cat", "dog", "fish"])
    true, found = table.fit_transform(references), table.transform(answers)
    assert score("accuracy", references, answers) == pytest.approx(100 * (true == found).all(axis=1).mean())
    assert score("f1_micro", references, answers) == pytest.approx(100 * f1_score(true, found, average="micro", zero_division=0))
    present = [index for index in range(4) if true[:, index].any()]
    wanted = f1_score(true, found, average="macro", labels=present, zero_division=0) if present else 0.0
    assert score("f1_macro", references, answers) == pytest.approx(100 * wanted)


def test_macro_f1_of_a_resample_leaves_out_classes_that_are_absent_from_it() -> None:
    references, answers = ["a", "a", "b"], ["a", "b", "b"]
    metric = load_metric("f1_macro")
    rows = metric.statistics(references, [Prediction(answer) for answer in answers])
    assert metric.value(rows[:2].sum(axis=0)) == pytest.approx(100 * f1_score(["a", "a"], ["a", "b"], average="macro", labels=["a"]))


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=30))
@settings(max_examples=80, deadline=None)
def test_metrics_of_numbers_equal_scipy(pairs) -> None:
    references, answers = map(list, zip(*pairs, strict=True))
    errors = np.subtract(references, answers)
    assert score("rmse", references, answers) == pytest.approx(math.sqrt(np.mean(errors**2)))
    assert score("mae", references, answers) == pytest.approx(np.abs(errors).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pearson, spearman = stats.pearsonr(references, answers)[0], stats.spearmanr(references, answers)[0]
    assert score("pearson", references, answers) == pytest.approx(0.0 if math.isnan(pearson) else pearson, abs=1e-6)
    assert score("spearman", references, answers) == pytest.approx(0.0 if math.isnan(spearman) else spearman, abs=1e-6)


def test_a_correlation_survives_large_numbers_with_small_differences() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=200)
    y = x + draw.normal(size=200)
    wanted = stats.pearsonr(x, y)[0]
    assert score("pearson", (1e9 + x).tolist(), (1e9 + y).tolist()) == pytest.approx(wanted, abs=1e-5)


@given(PAIRS)
@settings(max_examples=60, deadline=None)
def test_rouge_equals_the_library_on_ascii(pairs) -> None:
    references, answers = ([text.replace("ï", "i") for text in column] for column in zip(*pairs, strict=True))
    for name in ("rouge1", "rouge2", "rougeL"):
        scorer = RougeScorer([name])
        wanted = [100 * scorer.score(a, b)[name].fmeasure for a, b in zip(references, answers, strict=True)]
        assert score(name, references, answers) == pytest.approx(np.mean(wanted))


@pytest.mark.parametrize(
    ("reference", "answer", "rouge1"),
    [
        ("Öffnet die Tür.", "öffnet die tür", 100),
        ("открыть файл", "закрыть файл", 50),
        ("कि", "की", 0),
        ("कमल का फूल", "कमल की फूल", 100 * 2 / 3),
        ("كَتَبَ الولد", "كُتِبَ الولد", 50),
        ("打开文件", "打开文档", 75),
        ("スーパーを開く", "スーパーを閉じる", 100 * 10 / 15),
        ("น้ำดี", "น้ำดำ", 50),
        ("မင်္ဂလာပါ", "မင်္ဂလာပဲ", 80),
        ("café", "cafe\u0301", 100),
        ("", "", 0),
    ],
)
def test_rouge_counts_marks_and_scripts_without_blanks(reference: str, answer: str, rouge1: float) -> None:
    assert score("rouge1", [reference], [answer]) == pytest.approx(rouge1)


def test_exact_match_ignores_white_space_at_the_ends() -> None:
    assert score("exact_match", ["Open it.", "Close it."], [" Open it.\n", "close it."]) == 50
    assert score("exact_match", [("a", "b"), ("a",)], [("b", "a"), ("a", "b")]) == 50
    assert score("exact_match", [["B-X", "O"], [1.5]], [["O", "B-X"], [1.5]]) == 50


def test_metrics_of_likelihood_divide_sums() -> None:
    predictions = [Prediction(likelihood=Likelihood(2 * math.log(2), 1, 4)), Prediction(likelihood=Likelihood(10 * math.log(2), 3, 2))]
    found = {}
    for name in ("loss", "perplexity", "bits_per_byte"):
        metric = load_metric(name)
        assert metric.applies_to(predictions)
        assert not metric.applies_to([*predictions, Prediction("x")])
        found[name] = float(metric.value(metric.statistics([None, None], predictions).sum(axis=0)))
    assert found == pytest.approx({"loss": 3 * math.log(2), "perplexity": 8.0, "bits_per_byte": 2.0})


def plain_calibration_error(correct: list[bool], confidence: list[float]) -> float:
    """Guo et al. 2017, as it is written there: a loop over 15 bins (low, high]."""
    error, edges = 0.0, np.linspace(0, 1, 16)
    for low, high in pairwise(edges):
        inside = [i for i, value in enumerate(confidence) if low < value <= high]
        if inside:
            error += len(inside) * abs(np.mean([correct[i] for i in inside]) - np.mean([confidence[i] for i in inside]))
    return 100 * error / len(correct)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 999)), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_calibration_error_equals_its_definition(rows) -> None:
    confidence = [value / 1000 + 0.00037 for _, value in rows]
    references = ["a" if right else "b" for right, _ in rows]
    predictions = [Prediction("a", {"a": value, "b": 1 - value}) for value in confidence]
    metric = load_metric("calibration_error")
    found = float(metric.value(metric.statistics(references, predictions).sum(axis=0)))
    assert found == pytest.approx(plain_calibration_error([right for right, _ in rows], confidence), abs=1e-9)
