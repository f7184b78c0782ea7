"""Answers in bf16: near those in fp32, for each kind of model and task, with everything in fp32 that would be wrong in bf16."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from fixtures.documents import document

from pipeline.families.kinds import Head
from pipeline.models.build import HeadSpec
from pipeline.serving.answer import Answerer

CLASSES = ("carts", "files", "locks")
LABEL = {"kind": "classification", "max_tokens": 90}
CLASSIFIER = HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "single_label_classification")
MEAN = HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "single_label_classification", mean_pooling=True)
TASKS = {
    "encoder, own head": ("bert", LABEL, MEAN),
    "encoder, rotary positions": ("modernbert", LABEL, CLASSIFIER),
    "decoder that classifies": ("llama", LABEL, CLASSIFIER),
    "encoder-decoder that classifies": ("t5", LABEL, CLASSIFIER),
    "several labels": (
        "bert",
        {**LABEL, "answer": "labels"},
        HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "multi_label_classification"),
    ),
    "number": ("bert", {**LABEL, "answer": "number"}, HeadSpec(Head.SEQUENCE_CLASSIFICATION, ("number",), "regression", mean_pooling=True)),
    "tagging": ("bert", {"kind": "tagging"}, HeadSpec(Head.TOKEN_CLASSIFICATION, ("B-X", "I-X", "O"))),
    "embedding": ("bert", {"kind": "embedding"}, HeadSpec(Head.NONE)),
    "embedding of a decoder": ("qwen3", {"kind": "embedding"}, HeadSpec(Head.NONE)),
}
"""What gives numbers: family, task, head."""
WRITERS = {
    "encoder-decoder": ("t5", None),
    "copy head": ("t5_copy", None),
    "decoder": ("gpt2", None),
    "rotary decoder": ("llama", None),
    "chat": ("llama", {"kind": "chat", "max_source_tokens": 60, "max_target_tokens": 8}),
    "language model": ("qwen3", {"kind": "language_model", "max_new_tokens": 8}),
}
"""What gives texts: family, and task unless it is summarization."""
NEAR = 0.03
"""bf16 keeps eight bits: 0.4 % of each product, a few of them one after the other."""


def in_both(folder) -> tuple[Answerer, Answerer]:
    return Answerer.load(folder), Answerer.load(folder, precision="bf16")


def numbers(columns) -> np.ndarray:
    """All numbers of an answer, in one row."""
    cells = [cell for name, values in sorted(columns.items()) for cell in values if name in {"scores", "vector", "number"}]
    return np.concatenate([np.atleast_1d(list(cell.values()) if isinstance(cell, dict) else cell).ravel() for cell in cells])


@pytest.mark.parametrize("what", list(TASKS))
def test_numbers_are_near_those_in_fp32(what, make_model) -> None:
    family, task, head = TASKS[what]
    fp32, bf16 = in_both(make_model(family, task=task, head=head, sharp=2.0))
    rows = [{"text": "Opens the file. " * count} for count in (1, 3, 8)] + [{"text": ""}]
    exact, rounded = fp32.answer(rows), bf16.answer(rows)
    assert {name: len(values) for name, values in exact.items()} == {name: len(values) for name, values in rounded.items()}
    found, wanted = numbers(rounded), numbers(exact)
    assert found == pytest.approx(wanted, abs=NEAR * max(1.0, float(np.abs(wanted).max())))
    assert not np.array_equal(found, wanted), "it did not compute in bf16"
    if head.problem == "single_label_classification":
        assert [sum(scores.values()) for scores in rounded["scores"]] == pytest.approx([1.0] * len(rows), abs=1e-6)


@pytest.mark.parametrize("what", list(WRITERS))
def test_texts_are_as_probable_as_in_fp32(what, make_model) -> None:
    family, task = WRITERS[what]
    fp32, bf16 = in_both(make_model(family, task=task, sharp=2.0))
    messages = '[{"role": "user", "content": "Opens the file?"}]'
    documents = [document(1, "Opens the file.", "Open it.")._replace(pair=messages if what == "chat" else None)]
    (exact,), (rounded,) = fp32.likelihoods(documents), bf16.likelihoods(documents)
    assert (rounded.tokens, rounded.bytes) == (exact.tokens, exact.bytes)
    assert rounded.nats == pytest.approx(exact.nats, rel=NEAR)
    assert rounded.nats != exact.nats, "it did not compute in bf16"
    assert math.isfinite(rounded.nats)
    assert isinstance(bf16.predict(documents)[0].answer, str)


@pytest.mark.parametrize("family", ["llama", "qwen3", "modernbert"])
def test_rotary_frequencies_are_not_rounded(family, make_model) -> None:
    """Rounded ones are wrong by radians at high positions."""
    task, head = ({"kind": "embedding"}, HeadSpec(Head.NONE))
    fp32, bf16 = in_both(make_model(family, task=task, head=head))
    exact, rounded = (dict(one.loaded.model.core.named_buffers()) for one in (fp32, bf16))
    frequencies = [name for name in exact if "inv_freq" in name]
    assert frequencies
    for name in frequencies:
        assert rounded[name].dtype == torch.float32
        assert torch.equal(rounded[name], exact[name])


def test_the_weights_are_held_in_bf16_and_our_own_head_in_fp32(make_model) -> None:
    _, bf16 = in_both(make_model("bert", task=LABEL, head=MEAN))
    assert {weight.dtype for weight in bf16.loaded.model.core.parameters()} == {torch.bfloat16}
    assert {weight.dtype for weight in bf16.loaded.model.head.parameters()} == {torch.float32}


def test_the_mean_of_a_text_divides_by_all_its_tokens(make_model) -> None:
    """bf16 counts ..., 256, 258: the mean of states that are all equal must stay that state."""
    from pipeline.tasks.classification.framing import class_logits, framed_batch

    _, bf16 = in_both(make_model("bert", task=LABEL, head=MEAN))
    model = bf16.loaded.model

    class Constant(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, **_: object) -> object:
            states = torch.full((*input_ids.shape, 16), 1.5, dtype=torch.bfloat16)
            return type("Output", (), {"last_hidden_state": states})

    model.core = Constant()
    texts = [(np.full(length, 9), np.array([], dtype=np.int64)) for length in (5, 257 - 2)]
    logits = class_logits(model, framed_batch(texts, bf16.loaded.info.vocabulary, torch.zeros(2)))
    assert torch.equal(logits[0], logits[1])


def test_asking_twice_answers_twice_the_same_and_copies_no_weights(make_model) -> None:
    _, bf16 = in_both(make_model("gpt2"))
    before = {name: (weight.data_ptr(), weight.dtype) for name, weight in bf16.loaded.model.named_parameters()}
    first, second = (bf16.answer([{"text": "Opens the file."}]) for _ in range(2))
    assert first == second
    assert {name: (weight.data_ptr(), weight.dtype) for name, weight in bf16.loaded.model.named_parameters()} == before


def test_the_environment_chooses_the_precision_of_a_registered_model(make_model, tmp_path, monkeypatch) -> None:
    import mlflow.pyfunc

    from pipeline.serving.package import package_model

    (tmp_path / "sources").mkdir()
    packaged = str(package_model(make_model("gpt2"), tmp_path / "mlflow", tmp_path / "sources", {}, {}))

    def dtype() -> torch.dtype:
        served = mlflow.pyfunc.load_model(packaged).unwrap_python_model()
        return next(served.answerer.loaded.model.parameters()).dtype

    assert dtype() == torch.float32
    monkeypatch.setenv("TRAINSHED_SERVING_PRECISION", "bf16")
    assert dtype() == torch.bfloat16
    monkeypatch.setenv("TRAINSHED_SERVING_PRECISION", "half")
    with pytest.raises(Exception, match="serving precision 'half'; expected fp32, bf16 or auto; fix: correct TRAINSHED_SERVING_PRECISION"):
        dtype()
    monkeypatch.setenv("TRAINSHED_SERVING_PRECISION", "fp32")
    monkeypatch.setenv("TRAINSHED_DEVICE", "gpu")
    with pytest.raises(Exception, match="device 'gpu'; expected cpu, cuda or auto"):
        dtype()
