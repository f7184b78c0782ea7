"""What objectives and tasks hand to the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from pipeline.errors import BadInput
from pipeline.models.base import IGNORED, PackedBatch, PairBatch
from pipeline.models.build import build_model
from pipeline.models.shape import Shape
from pipeline.recipe import Finetuning, Pretraining
from pipeline.training.objectives.causal_lm import CausalLm
from pipeline.training.objectives.span_corruption import SpanCorruption, corrupt
from pipeline.training.tasks.summarization import Summarization
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T5 = Shape("t5", width=16, layers=1, heads=2, feed_forward=32, context=40)
GPT2 = Shape("gpt2", width=16, layers=1, heads=2, feed_forward=32, context=40)


def pretraining(objective: str, **changes: object) -> Pretraining:
    return Pretraining.model_validate({"objective": objective, "steps": 10, "batch": 4, **changes})


FINETUNING = Finetuning(steps=10, batch=4)


def test_corruption_replaces_spans_by_sentinels_and_loses_nothing() -> None:
    source, target = corrupt(np.arange(100, 110), [(1, 3), (7, 8)], (5, 6), eos=1)
    assert source.tolist() == [100, 5, 103, 104, 105, 106, 6, 108, 109]
    assert target.tolist() == [5, 101, 102, 6, 107, 1]


def test_span_corruption_masks_the_asked_share_and_draws_anew_at_each_step(tokens: Path) -> None:
    feed = SpanCorruption(open_tokens(tokens), T5, pretraining("span_corruption", corrupted=0.3))
    seen, masked, total = set(), 0, 0
    for step in range(60):
        batch = feed.batch(step)
        assert isinstance(batch, PairBatch)
        seen.add(batch.source_BS.numpy().tobytes())
        source, target = batch.source_BS, batch.target_BT
        sentinels = int(((source >= 5) & (source < 13)).sum())
        masked += int((target != IGNORED).sum()) - sentinels - len(target)
        total += int((source != 0).sum()) - sentinels
    assert masked / (masked + total) == pytest.approx(0.3, abs=0.02)
    assert len(seen) == 60
    assert torch.equal(feed.batch(3).source_BS, feed.batch(3).source_BS)


def test_packed_rows_predict_within_documents_only(tokens: Path) -> None:
    read = open_tokens(tokens)
    stream = read.stream("stream-train")
    texts = {tuple(stream[i].tolist()) for i in range(len(stream))}
    batch = CausalLm(read, GPT2, pretraining("causal_lm")).batch(0)
    assert isinstance(batch, PackedBatch)
    assert int(batch.document_BL.max()) > 1
    for ids, documents, labels in zip(batch.ids_BL, batch.document_BL, batch.labels_BL, strict=True):
        for number in range(1, int(documents.max()) + 1):
            one = documents == number
            piece = [*ids[one].tolist(), int(labels[one][-1])]
            assert labels[one].tolist() == piece[1:]
            assert any(piece == list(text[at : at + len(piece)]) for text in texts for at in range(len(text)))


def test_the_loss_of_a_packed_batch_is_that_of_its_documents_alone(tokens: Path) -> None:
    read = open_tokens(tokens)
    batch = CausalLm(read, GPT2, pretraining("causal_lm")).batch(1)
    assert isinstance(batch, PackedBatch)
    model = build_model(GPT2, read.vocabulary, read.specials, dropout=0.0, seed=0).eval()
    whole = model(batch).detach()
    parts = []
    for row in range(len(batch.ids_BL)):
        for number in range(1, int(batch.document_BL[row].max()) + 1):
            one = batch.document_BL[row] == number
            fields = (batch.ids_BL, batch.document_BL, batch.position_BL, batch.labels_BL, batch.source_BL)
            parts.append(model(PackedBatch(*(field[row][one][None] for field in fields))).detach())
    torch.testing.assert_close(whole, torch.cat(parts), rtol=1e-4, atol=1e-5)


def test_summarization_predicts_exactly_the_targets_for_either_family(tokens: Path) -> None:
    read = open_tokens(tokens)
    for shape in (T5, GPT2):
        feed = Summarization(read, shape, FINETUNING)
        assert {feed.batch(step).labels for step in range(5)} == {12}
        assert sum(batch.labels for batch in feed.validation()) == 36


def test_what_does_not_go_together_is_refused(tokens: Path, tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    read = open_tokens(tokens)
    with pytest.raises(BadInput, match="encoder-decoder"):
        SpanCorruption(read, GPT2, pretraining("span_corruption"))
    with pytest.raises(BadInput, match="decoder"):
        CausalLm(read, T5, pretraining("causal_lm"))
    with pytest.raises(BadInput, match=r"raise tokenizer\.sentinels"):
        SpanCorruption(read, T5, pretraining("span_corruption", corrupted=0.5, mean_span=1))
    with pytest.raises(BadInput, match=r"model\.context"):
        Summarization(read, Shape("gpt2", width=16, layers=1, heads=2, feed_forward=32, context=32), FINETUNING)
    with pytest.raises(BadInput, match="no pairs"):
        Summarization(open_tokens(make_tokens(tmp_path / "none", pairs=0)), T5, FINETUNING)
