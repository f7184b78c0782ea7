"""What objectives and tasks hand to the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fixtures.families import tiny_architecture

from pipeline.errors import BadInput
from pipeline.families.families import find_family
from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.losses import token_losses
from pipeline.recipe import Finetuning, Pretraining
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.feed import WrittenFeed
from pipeline.training.base import FeedInputs
from pipeline.training.objectives.causal_lm import CausalLm
from pipeline.training.objectives.masked_lm import MaskedLm
from pipeline.training.objectives.prefix_lm import PrefixLm, divide
from pipeline.training.objectives.span_corruption import SpanCorruption, corrupt
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.recipe import Training

FINETUNING = Finetuning(steps=10, batch=4)
TASK = Summarization(kind="summarization", max_source_tokens=24, max_target_tokens=8)


def pretraining(objective: str, **changes: object) -> Pretraining:
    return Pretraining.model_validate({"objective": objective, "steps": 10, "batch": 4, **changes})


def inputs(tokens: Path, family: str, params: Training, context: int = 40) -> FeedInputs:
    read, architecture = open_tokens(tokens), tiny_architecture(family, context)
    model = new_model(architecture, read.vocabulary, HeadSpec(LANGUAGE_HEAD[find_family(family).kind]), 0.0, 0)
    return FeedInputs(read, model, context, params)


def test_corruption_replaces_spans_by_sentinels_and_loses_nothing() -> None:
    source, target = corrupt(np.arange(100, 110), [(1, 3), (7, 8)], (5, 6), eos=1)
    assert source.tolist() == [100, 5, 103, 104, 105, 106, 6, 108, 109]
    assert target.tolist() == [5, 101, 102, 6, 107, 1]


def test_span_corruption_masks_the_asked_share_and_draws_again_at_each_step(tokens: Path) -> None:
    feed = SpanCorruption(inputs(tokens, "t5", pretraining("span_corruption", corrupted=0.3)))
    seen, masked, total = set(), 0, 0
    for step in range(60):
        batch = feed.batch(step)
        source, target = batch.inputs["input_ids"], batch.labels
        seen.add(source.numpy().tobytes())
        sentinels = int(((source >= 6) & (source < 14)).sum())
        masked += int((target != IGNORED).sum()) - sentinels - len(target)
        total += int((source != 0).sum()) - sentinels
    assert masked / (masked + total) == pytest.approx(0.3, abs=0.02)
    assert len(seen) == 60
    assert torch.equal(feed.batch(3).inputs["input_ids"], feed.batch(3).inputs["input_ids"])


def test_a_text_is_divided_and_its_first_part_ends_like_a_source() -> None:
    source, target = divide(np.array([2, 20, 21, 22, 1]), 2, (1,))
    assert (source.tolist(), target.tolist()) == ([2, 20, 1], [21, 22, 1])


def test_prefix_lm_divides_every_text_anywhere_and_again_at_each_step(tokens: Path) -> None:
    stream = open_tokens(tokens).stream("train")
    texts = {tuple(stream[i].tolist()) for i in range(len(stream))}
    feed = PrefixLm(inputs(tokens, "t5", pretraining("prefix_lm")))
    seen, shares, ends = set(), [], 0
    for step in range(90):
        batch = feed.batch(step)
        seen.add(batch.inputs["input_ids"].numpy().tobytes())
        for ids, mask, labels in zip(batch.inputs["input_ids"], batch.inputs["attention_mask"], batch.labels, strict=True):
            source, target = ids[mask.bool()].tolist(), labels[labels != IGNORED].tolist()
            assert source[-1] == 1
            assert len(source) <= 40
            whole = (*source[:-1], *target)
            assert whole in texts or any(whole == text[at : at + len(whole)] for text in texts for at in (0, 40))
            ends += whole in texts and target[-1] == 1
            shares.append((len(source) - 1) / len(whole))
    assert len(seen) == 90
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)
    assert np.std(shares) == pytest.approx(12**-0.5, abs=0.05), "uniform"
    assert ends
    assert torch.equal(feed.batch(3).inputs["input_ids"], feed.batch(3).inputs["input_ids"])
    first, second = feed.validation(), feed.validation()
    assert all(torch.equal(left.labels, right.labels) for left, right in zip(first, second, strict=True))


def test_masked_lm_hides_the_asked_share_and_draws_again_at_each_step(tokens: Path) -> None:
    feed = MaskedLm(inputs(tokens, "bert", pretraining("masked_lm", corrupted=0.3)))
    seen, chosen, hidden, kept, words = set(), 0, 0, 0, 0
    for step in range(60):
        batch = feed.batch(step)
        ids, labels, mask = batch.inputs["input_ids"], batch.labels, batch.inputs["attention_mask"].bool()
        predicted = labels != IGNORED
        assert bool(predicted.any(dim=1).all()), "every row predicts something"
        assert not bool((predicted & ~mask).any())
        assert not bool(torch.isin(labels[predicted], torch.tensor([0, 1, 2])).any()), "special tokens are never hidden"
        seen.add(ids.numpy().tobytes())
        chosen += int(predicted.sum())
        hidden += int((ids[predicted] == 5).sum())
        kept += int((ids[predicted] == labels[predicted]).sum())
        words += int((mask & ((ids >= 14) | predicted)).sum())
    assert chosen / words == pytest.approx(0.3, abs=0.03)
    assert hidden / chosen == pytest.approx(0.8, abs=0.04)
    assert kept / chosen == pytest.approx(0.1, abs=0.04)
    assert len(seen) == 60
    assert torch.equal(feed.batch(3).inputs["input_ids"], feed.batch(3).inputs["input_ids"])


def test_packed_rows_predict_within_documents_only(tokens: Path) -> None:
    stream = open_tokens(tokens).stream("train")
    texts = {tuple(stream[i].tolist()) for i in range(len(stream))}
    batch = CausalLm(inputs(tokens, "gpt2", pretraining("causal_lm"))).batch(0)
    assert int(batch.document.max()) > 1
    for ids, documents, labels in zip(batch.inputs["input_ids"], batch.document, batch.labels, strict=True):
        for number in range(1, int(documents.max()) + 1):
            one = documents == number
            piece = [*ids[one].tolist(), int(labels[one][-1])]
            assert labels[one].tolist() == piece[1:]
            assert any(piece == list(text[at : at + len(piece)]) for text in texts for at in range(len(text)))


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_loss_of_a_packed_batch_is_that_of_its_documents_alone(family: str, tokens: Path) -> None:
    given = inputs(tokens, family, pretraining("causal_lm"))
    batch, model = CausalLm(given).batch(1), given.model.eval()
    parts = []
    for row in range(len(batch.labels)):
        for number in range(1, int(batch.document[row].max()) + 1):
            one = batch.document[row] == number
            fields = {name: value[row][one][None] for name, value in batch.inputs.items()}
            parts.append(token_losses(model, Batch(fields, batch.labels[row][one][None], batch.document[row][one][None])).detach())
    torch.testing.assert_close(token_losses(model, batch).detach(), torch.cat(parts), rtol=1e-5, atol=1e-5)


def test_a_model_that_leaks_between_documents_is_padded_instead(tokens: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    given = inputs(tokens, "gpt2", pretraining("causal_lm"))
    monkeypatch.setattr("pipeline.training.packed_rows.isolates_documents", lambda *_: False)
    batch = CausalLm(given).batch(0)
    assert int(batch.document.max()) == 1
    assert "padded instead" in caplog.text


@pytest.mark.parametrize("family", ["t5", "t5_copy", "bart", "gpt2", "llama"])
def test_written_answers_are_predicted_exactly_for_every_kind(family: str, tokens: Path) -> None:
    feed = WrittenFeed(inputs(tokens, family, FINETUNING), TASK)
    assert {feed.batch(step).label_count for step in range(5)} == {12}
    assert sum(batch.label_count for batch in feed.validation()) == 36


def test_validation_looks_at_a_sample_of_the_whole_split(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.tasks.written.feed.WrittenFeed.validated", 5)
    feed, stream = WrittenFeed(inputs(tokens, "gpt2", FINETUNING), TASK), open_tokens(tokens).field("validation", "source")
    rows = [row for batch in feed.validation() for row in batch.inputs["input_ids"].tolist()]
    places = [next(i for i in range(len(stream)) if stream[i].tolist() == row[1 : 1 + len(stream[i])]) for row in rows]
    assert len(places) == 5
    assert sorted(places) != list(range(5)), "the first documents of a split come from one place"


def test_what_does_not_go_together_is_refused(tokens: Path, tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    for objective, feed, family, wanted in (
        ("span_corruption", SpanCorruption, "gpt2", "an encoder-decoder"),
        ("prefix_lm", PrefixLm, "gpt2", "an encoder-decoder"),
        ("causal_lm", CausalLm, "t5", "a decoder"),
        ("masked_lm", MaskedLm, "gpt2", "an encoder"),
    ):
        with pytest.raises(BadInput, match=f"expected {wanted};"):
            feed(inputs(tokens, family, pretraining(objective)))
    with pytest.raises(BadInput, match=r"raise tokenizer\.sentinels"):
        SpanCorruption(inputs(tokens, "t5", pretraining("span_corruption", corrupted=0.5, mean_span=1)))
    with pytest.raises(BadInput, match=r"model\.context"):
        WrittenFeed(inputs(tokens, "gpt2", FINETUNING, context=32), TASK)
    with pytest.raises(BadInput, match=r"26 tokens of source and special tokens; expected at most model\.context 25"):
        WrittenFeed(inputs(tokens, "bart", FINETUNING, context=25), TASK)
    with pytest.raises(BadInput, match=r"max_target_tokens 40; expected at most model\.context 32"):
        WrittenFeed(inputs(tokens, "bart", FINETUNING, context=32), TASK.model_copy(update={"max_target_tokens": 40}))
    with pytest.raises(BadInput, match="no document of the train split has a target"):
        WrittenFeed(inputs(make_tokens(tmp_path / "none", pairs=0), "t5", FINETUNING), TASK)
