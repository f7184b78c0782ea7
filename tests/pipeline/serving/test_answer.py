"""Answering: the same answer alone and in company, cleaned and cut as in training, None and empty texts taken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixtures.documents import document

from pipeline.errors import BadInput
from pipeline.families.kinds import Head
from pipeline.models.build import HeadSpec
from pipeline.serving.answer import Answerer

CLASSES = ("carts", "files", "locks")
TASKS = {
    "t5_copy": None,
    "gpt2": None,
    "bert": (
        {"kind": "classification", "max_tokens": 40},
        HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "single_label_classification", mean_pooling=True),
    ),
    "llama": ({"kind": "classification", "max_tokens": 40}, HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "single_label_classification")),
}
"""Family → task and head; the first ones write."""


@pytest.fixture(scope="module", params=list(TASKS))
def answerer(request, make_model) -> Answerer:
    task, head = TASKS[request.param] or (None, None)
    return Answerer.load(make_model(request.param, task=task, head=head))


def test_an_answer_does_not_depend_on_company_order_or_batch(answerer, questions) -> None:
    documents = [answerer.document(row) for row in questions]
    together = [one.answer for one in answerer.predict(documents)]
    assert together == [answerer.predict([one])[0].answer for one in documents]
    assert [one.answer for one in answerer.predict(documents[::-1])][::-1] == together
    assert [one.answer for one in Answerer(answerer.loaded, batch=2).predict(documents)] == together


def test_rows_of_a_request_become_rows_of_the_answer(answerer, questions) -> None:
    columns = answerer.answer(questions)
    assert list(columns) == [column.name for column in answerer.serving.outputs]
    assert {len(values) for values in columns.values()} == {len(questions)}
    assert {name: [] for name in columns} == dict(answerer.answer([]))


@pytest.mark.parametrize(
    "same",
    ["Opens the  file.\r\nThen\u00a0closes it.", "\ufeffOpens the file.\nThen closes it. ", "Opens the file.\u200b\nThen closes it."],
)
def test_a_text_is_cleaned_as_training_cleaned_its_own(answerer, same) -> None:
    plain = answerer.document({"text": "Opens the file.\nThen closes it."})
    assert answerer.document({"text": same}) == plain


def test_a_model_of_texts_whose_indentation_counts_keeps_it(make_model) -> None:
    answerer = Answerer.load(make_model("gpt2"))
    kept = Answerer(replace(answerer.loaded, info=replace(answerer.loaded.info, cleaning={"whitespace": "keep"})))
    row = {"text": "if x:\r\n    return  1"}
    assert kept.document(row).text == "if x:\n    return  1"
    assert answerer.document(row).text == "if x:\nreturn 1"


def test_progress_is_told_up_to_the_last_document(answerer, questions) -> None:
    class Listening:
        told: list[int] = []
        beats = 0

        def report(self, done: int) -> None:
            self.told.append(done)

        def beat(self) -> None:
            self.beats += 1

    progress = Listening()
    answerer.predict([answerer.document(row) for row in questions], progress)
    assert progress.told[-1] == len(questions)
    assert progress.beats


def test_a_class_comes_with_its_probabilities(make_model) -> None:
    task, head = TASKS["bert"]
    columns = Answerer.load(make_model("bert", task=task, head=head)).answer([{"text": "Opens the file."}, {"text": None}])
    for label, score, scores in zip(columns["label"], columns["score"], columns["scores"], strict=True):
        assert set(scores) == set(CLASSES)
        assert sum(scores.values()) == pytest.approx(1.0)
        assert (label, score) == max(scores.items(), key=lambda item: item[1])


def test_likelihoods_belong_to_tasks_that_write(make_model) -> None:
    documents = [document(1, "Takes the file.", "Open the file.")]
    assert Answerer.load(make_model("gpt2")).likelihoods(documents)
    task, head = TASKS["bert"]
    assert Answerer.load(make_model("bert", task=task, head=head)).likelihoods(documents) is None


def test_a_base_model_answers_nothing(make_model, tmp_path) -> None:
    import json
    import shutil

    shutil.copytree(make_model("gpt2"), tmp_path / "base")
    info = json.loads((tmp_path / "base/trainshed.json").read_text())
    (tmp_path / "base/trainshed.json").write_text(json.dumps({**info, "task": None}))
    with pytest.raises(BadInput, match="trained for no task"):
        Answerer.load(tmp_path / "base")
