"""The parts evaluation is put together from: choice of examples, ROUGE, likelihood, intervals, baselines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from rouge_score.rouge_scorer import RougeScorer
from scipy import stats

from pipeline.corpus.documents import Document
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.examples import choose_examples, examples_digest
from pipeline.evaluation.likelihood import likelihood
from pipeline.evaluation.metrics import METRICS
from pipeline.evaluation.pass_progress import PassProgress
from pipeline.lookup import load
from pipeline.models.files import load_model
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from pipeline.evaluation.metrics.base import Metric

PROGRESS = PassProgress(SilentReporter(), before=0, total=0)


def document(index: int, text: str = "some words of a body", target: str | None = "Say it.", name: str = "a.b") -> Document:
    return Document(f"id-{index:03d}", "g", name, text, None, target)


def metric(name: str) -> Metric:
    return load("metric", METRICS, name)


def test_chosen_examples_stay_chosen_when_others_join() -> None:
    before = choose_examples([document(index) for index in range(100)], 20, seed=0)
    after = choose_examples([document(index) for index in range(110)], 20, seed=0)
    assert len(before) == 20
    assert len({one.id for one in before} & {one.id for one in after}) >= 15
    assert before == sorted(before, key=lambda one: one.id)
    assert choose_examples([document(index) for index in reversed(range(100))], 20, seed=0) == before
    assert choose_examples([document(index) for index in range(100)], 20, seed=1) != before


def test_documents_without_a_target_are_not_examples() -> None:
    assert choose_examples([document(1, target=None), document(2)], 5, seed=0) == [document(2)]


@pytest.mark.parametrize("other", [document(1, text="x"), document(1, target="x"), document(1, name="x"), document(2)])
def test_the_digest_of_examples_covers_all_that_was_asked_and_expected(other) -> None:
    assert examples_digest([document(1)]) == examples_digest([document(1)])
    assert examples_digest([document(1)]) != examples_digest([other])


def test_rouge_counts_as_the_library_does_on_ascii() -> None:
    references = ["Return the first_name of a user.", "Open 2 files", "x"]
    outputs = ["return first name of the User!", "Close files 2", ""]
    library = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for name in ("rouge1", "rouge2", "rougeL"):
        wanted = [100 * library.score(a, b)[name].fmeasure for a, b in zip(references, outputs, strict=True)]
        assert metric(name)(references, outputs) == pytest.approx(wanted)


def test_rouge_sees_words_of_every_script() -> None:
    assert metric("rougeL")(["Öffnet die Tür."], ["öffnet die tür"]) == [100.0]
    assert metric("rouge1")(["открыть файл"], ["закрыть файл"]) == [pytest.approx(50.0)]


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_likelihood_is_what_generation_step_by_step_gives_the_reference(make_model, family) -> None:
    loaded = load_model(make_model(family, seed=5, sharp=2.0))
    examples = [document(1, "Takes the file.", "Open the file."), document(2, "A much longer text " * 9, "Close the lock, naïvely.")]
    found = likelihood(loaded, examples, 8, PROGRESS)
    for index, one in enumerate(examples):
        source = Answerer(loaded).encode([one.text], [one.name])[0]
        target = [*loaded.tokenizer.encode(one.target).ids, loaded.model.specials.eos]
        with torch.inference_mode():
            state, last, nats = loaded.model.start_decoding([source], len(source)), loaded.model.start_id, 0.0
            for token in target:
                nats -= float(loaded.model.next_log_probs(state, torch.tensor([last]))[0, token])
                last = token
        assert found.nats[index] == pytest.approx(nats, rel=1e-4)
        assert found.tokens[index] == len(target)
        assert found.bytes[index] == len(one.target.encode())


def test_a_context_too_short_for_a_reference_cuts_its_bytes_too(make_model) -> None:
    loaded = load_model(make_model("gpt2"))
    long = document(1, "word " * 60, " ".join(f"q{index}z" for index in range(90)))
    found = likelihood(loaded, [long], 8, PROGRESS)
    assert found.tokens[0] == loaded.model.shape.context - loaded.info.max_source_tokens
    assert 0 < found.bytes[0] < len(long.target.encode())


def test_intervals_agree_with_scipys() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    ours = Bootstrap(400, 4000, seed=0).mean(values)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_the_interval_of_a_ratio_is_that_of_sums_not_of_means() -> None:
    below = np.array([1.0, 100.0] * 50)
    found = Bootstrap(100, 500, seed=0).ratio(2 * below, below)
    assert (found.low, found.high) == (pytest.approx(2), pytest.approx(2))


TRAIN = [
    document(1, "reads a file from disk", "Read a file."),
    document(2, "reads a socket until it is closed", "Read a socket."),
    document(3, "multiplies matrices quickly", "Read a file."),
]


@pytest.mark.parametrize(
    ("name", "asked", "answer"),
    [
        ("lead", document(9, "one two three four five"), "one two three"),
        ("most_frequent", document(9), "Read a file."),
        ("name_template", document(9, name="shop.HTTPServer.getUser_name2"), "Return the get user name2."),
        ("name_template", document(9, name=""), "Return the."),
        ("nearest_neighbour", document(9, "the socket that is closed"), "Read a socket."),
    ],
)
def test_each_baseline(name: str, asked: Document, answer: str) -> None:
    baseline = load("baseline", BASELINES, name)
    assert baseline(TRAIN, [asked, asked]) == [answer, answer]


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_no_baseline_looks_at_the_answer(name: str) -> None:
    baseline = load("baseline", BASELINES, name)
    assert baseline(TRAIN, [document(9, target="Read a socket.")]) == baseline(TRAIN, [document(9, target="Anything.")])


def test_perplexity_of_an_untrained_model_is_about_the_vocabulary(make_model) -> None:
    loaded = load_model(make_model("gpt2", seed=1, sharp=1.0))
    found = likelihood(loaded, [document(index, target=f"Open file {index}.") for index in range(9)], 8, PROGRESS)
    assert math.exp(found.nats.sum() / found.tokens.sum()) == pytest.approx(400, rel=0.15)
