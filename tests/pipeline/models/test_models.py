"""Models: seeds decide weights, folders round-trip, documents of a row cannot see each other, generation ignores company."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models

from pipeline.errors import BadInput
from pipeline.models.base import IGNORED, PairBatch
from pipeline.models.build import build_model
from pipeline.models.collate import collate_pairs, collate_rows, example_batch, target_after_source, text_document
from pipeline.models.files import Loaded, load_model, load_weights, named_weights, read_history, save_model
from pipeline.models.generate import generate
from pipeline.models.likelihood import negative_log_likelihoods
from pipeline.models.shape import ModelInfo, Shape, Specials

if TYPE_CHECKING:
    from pathlib import Path

SPECIALS = Specials(pad=0, eos=1, bos=2, unk=3, sep=4, sentinels=tuple(range(5, 13)))
VOCABULARY = 60
FAMILIES = [("t5", False), ("t5", True), ("gpt2", False), ("gpt2", True)]
families = pytest.mark.parametrize(("family", "copy_head"), FAMILIES)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Two threads that share a busy core wait for each other at every tiny operation: 100 times slower than one."""
    torch.set_num_threads(1)


def shape(family: str, copy_head: bool, **changes: int) -> Shape:
    sizes = {"width": 16, "layers": 2, "heads": 2, "feed_forward": 32, "context": 64, **changes}
    return Shape(family=family, copy_head=copy_head, **sizes)


def info(family: str, copy_head: bool) -> ModelInfo:
    return ModelInfo(shape(family, copy_head), VOCABULARY, SPECIALS, "summarization", max_source_tokens=40, max_target_tokens=10)


def build(family: str, copy_head: bool, seed: int = 0):
    return build_model(shape(family, copy_head), VOCABULARY, SPECIALS, dropout=0.0, seed=seed)


def loaded(family: str, copy_head: bool, seed: int = 0) -> Loaded:
    model = build(family, copy_head, seed).eval()
    with torch.no_grad():  # sharper than fresh weights, so that outputs differ from source to source
        for weight in model.parameters():
            weight.mul_(3.0)
    return Loaded(model, Tokenizer(models.BPE({"a": 0}, [])), info(family, copy_head))


def sources(count: int, seed: int = 0, longest: int = 39) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(13, VOCABULARY, random.integers(1, longest)).tolist() for _ in range(count)]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@families
def test_the_seed_alone_decides_the_weights(family: str, copy_head: bool) -> None:
    torch.manual_seed(1)
    first, state = named_weights(build(family, copy_head)), torch.random.get_rng_state()
    torch.manual_seed(2)
    again, other = named_weights(build(family, copy_head)), named_weights(build(family, copy_head, seed=1))
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@families
def test_a_saved_model_loads_to_the_same_answers_and_saves_to_the_same_bytes(family: str, copy_head: bool, tmp_path: Path) -> None:
    original = loaded(family, copy_head)
    original.tokenizer.save(str(tmp_path / "tokenizer.json"))
    history = [{"step": 1, "loss": 2.5}]
    save_model(original.model, tmp_path / "a", original.info, tokenizer=tmp_path / "tokenizer.json", history=history)
    back = load_model(tmp_path / "a")
    save_model(back.model, tmp_path / "b", back.info, tokenizer=tmp_path / "tokenizer.json", history=history)
    assert back.info == original.info
    assert read_history(tmp_path / "a") == history
    assert generate(back, sources(5), 8) == generate(original, sources(5), 8)
    assert {p.name: digest(p) for p in (tmp_path / "a").iterdir()} == {p.name: digest(p) for p in (tmp_path / "b").iterdir()}


def test_transformers_itself_reads_the_weights(tmp_path: Path) -> None:
    from transformers import T5ForConditionalGeneration

    original = loaded("t5", copy_head=False)
    original.tokenizer.save(str(tmp_path / "tokenizer.json"))
    save_model(original.model, tmp_path, original.info, tokenizer=tmp_path / "tokenizer.json")
    theirs = T5ForConditionalGeneration.from_pretrained(tmp_path).eval()
    target = [20, 21, 1]
    ours = negative_log_likelihoods(original, [[15, 16, 17]], [target])[0]
    expected = theirs(input_ids=torch.tensor([[15, 16, 17]]), labels=torch.tensor([target])).loss.item() * len(target)
    assert ours == pytest.approx(expected, rel=1e-5)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    original = loaded("t5", copy_head=False)
    original.tokenizer.save(str(tmp_path / "tokenizer.json"))
    save_model(original.model, tmp_path, original.info, tokenizer=tmp_path / "tokenizer.json")
    wider = build_model(shape("t5", copy_head=False, feed_forward=64), VOCABULARY, SPECIALS, dropout=0.0, seed=0)
    with pytest.raises(BadInput, match="shape"):
        load_weights(wider, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BadInput, match="safetensors"):
        load_model(tmp_path)


@families
def test_an_example_alone_and_in_company_gets_the_same_output(family: str, copy_head: bool) -> None:
    model, texts = loaded(family, copy_head), sources(30)
    together = generate(model, texts, 8, batch=7)
    assert together == [generate(model, [text], 8)[0] for text in texts]
    assert together[::-1] == generate(model, texts[::-1], 8, batch=30)
    assert len({tuple(output) for output in together}) > 10


@families
def test_outputs_hold_no_special_token_and_no_three_tokens_twice(family: str, copy_head: bool) -> None:
    for output in generate(loaded(family, copy_head, seed=3), sources(20), 20):
        assert not set(output) & {0, 1, 2, 3, 4, *SPECIALS.sentinels}
        triples = list(zip(output, output[1:], output[2:], strict=False))
        assert len(triples) == len(set(triples))


@families
def test_decoding_step_by_step_agrees_with_the_likelihood_of_what_it_wrote(family: str, copy_head: bool) -> None:
    model = loaded(family, copy_head)
    model.model.double()
    for text in sources(6, seed=4):
        state, last, total, target = model.model.start_decoding([text], -(-len(text) // 16) * 16), model.model.start_id, 0.0, []
        for _ in range(5):
            scores = model.model.next_log_probs(state, torch.tensor([last]))
            assert scores.exp().sum().item() == pytest.approx(1.0, abs=1e-6)
            last = int(scores[0].argmax())
            total -= scores[0, last].item()
            target.append(last)
        assert negative_log_likelihoods(model, [text], [target])[0] == pytest.approx(total, rel=1e-5)


def test_an_empty_source_gives_an_empty_output() -> None:
    assert generate(loaded("t5", copy_head=True), [[], [20, 21]], 4)[0] == []


@pytest.mark.parametrize("copy_head", [False, True])
@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
def test_a_packed_document_does_not_feel_its_neighbours(copy_head: bool, kernel: str) -> None:
    model = build("gpt2", copy_head).eval()
    model.set_attention_kernel(kernel)
    mine = [target_after_source([20, 21, 22], [30, 31, 1], SPECIALS), text_document([40, 41, 42, 43, 1])]
    alone = [model(collate_rows([[one]], len(one), 0)).detach() for one in mine]
    for changed in (50, 51):
        before, between = text_document([changed, 14, changed, 1]), target_after_source([changed], [changed, 1], SPECIALS)
        packed = model(collate_rows([[before, mine[0], between, mine[1], before]], 32, 0)).detach()
        first, second = packed[3:6], packed[8:12]
        torch.testing.assert_close(first, alone[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(second, alone[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("copy_head", [False, True])
@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
def test_padding_does_not_change_a_pair(copy_head: bool, kernel: str) -> None:
    model = build("t5", copy_head).eval()
    model.set_attention_kernel(kernel)
    alone = model(collate_pairs([[20, 21]], [[30, 1]], 0)).detach()
    padded = model(collate_pairs([[20, 21], list(range(13, 40))], [[30, 1], [40, 41, 42, 1]], 0)).detach()
    torch.testing.assert_close(padded[:2], alone, rtol=1e-5, atol=1e-6)


@families
def test_a_target_token_does_not_see_what_follows_it(family: str, copy_head: bool) -> None:
    model = build(family, copy_head).eval()
    losses = [model(example_batch(model, [[20, 21, 22]], [[30, 31, last]])).detach() for last in (32, 33)]
    torch.testing.assert_close(losses[0][:2], losses[1][:2])
    assert not torch.allclose(losses[0][2], losses[1][2])


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_the_copy_head_learns_to_copy_what_the_vocabulary_cannot_know(family: str) -> None:
    model = build(family, copy_head=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    random = np.random.default_rng(0)
    for _ in range(250):
        texts = [random.integers(13, 50, 4).tolist() for _ in range(16)]
        optimizer.zero_grad()
        model(example_batch(model, texts, [[text[2], 1] for text in texts])).mean().backward()
        optimizer.step()
    assert all(weight.grad is not None and bool(weight.grad.abs().sum() > 0) for weight in model.copy_head.parameters())
    model.eval()
    unseen = [random.integers(50, VOCABULARY, 4).tolist() for _ in range(16)]
    losses = model(example_batch(model, unseen, [[text[2], 1] for text in unseen]))[0::2]
    assert float(losses.detach().mean()) < 0.7 * np.log(VOCABULARY)


def test_the_gradient_of_the_copy_head_is_that_of_its_formula() -> None:
    model = build("t5", copy_head=True).double()
    batch = collate_pairs([[20, 21, 20]], [[20, 55, 1]], 0)
    weight = model.copy_head.gate.weight
    model(batch).sum().backward()
    exact = weight.grad[0, 5].item()
    with torch.no_grad():
        losses = []
        for change in (1e-5, -2e-5):
            weight[0, 5] += change
            losses.append(model(batch).sum().item())
    assert exact == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4)


def test_a_source_that_leaves_no_room_is_refused() -> None:
    model = loaded("gpt2", copy_head=False)
    model = Loaded(model.model, model.tokenizer, ModelInfo(**{**vars(model.info), "max_source_tokens": 100}))
    with pytest.raises(BadInput, match="context"):
        generate(model, [list(range(13, 60)) * 3], 4)


def test_pairs_count_labels_and_tokens() -> None:
    batch = collate_pairs([[20, 21, 22], [20]], [[30, 1], [30, 31, 1]], 0)
    assert isinstance(batch, PairBatch)
    assert (batch.labels, batch.tokens) == (5, 16)
    assert int((batch.target_BT == IGNORED).sum()) == 3
