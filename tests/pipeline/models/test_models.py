"""Models of every kind: seeds decide weights, folders round-trip and are transformers' own, packed documents stay apart."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import transformers
from fixtures.families import CONFIGS, tiny_architecture, tiny_info, tiny_loaded, tiny_vocabulary

from pipeline.errors import BadInput
from pipeline.families.families import families as known_families
from pipeline.families.families import find_family
from pipeline.families.kinds import LANGUAGE_HEAD, Kind
from pipeline.models.attention import isolates_documents
from pipeline.models.batch import IGNORED, Batch
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.collate import answer_document, collate_answers, collate_rows, pad, prompt_ids, text_document
from pipeline.models.files import load_model, read_history, save_model, untrained
from pipeline.models.generate import generate
from pipeline.models.likelihood import negative_log_likelihoods
from pipeline.models.list_families import list_families
from pipeline.models.losses import token_losses

if TYPE_CHECKING:
    from pathlib import Path

VOCABULARY = tiny_vocabulary()
PREDICTING = [family for family in CONFIGS if known_families()[family].kind is not Kind.STATIC]
"""Families that predict tokens from what is around them; `test_word_vectors.py` has the others."""

families = pytest.mark.parametrize("family", PREDICTING)
WRITING = [family for family in CONFIGS if known_families()[family].kind.writes]
writing = pytest.mark.parametrize("family", WRITING)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Two threads that share a busy core wait for each other at every tiny operation: 100 times slower than one."""
    torch.set_num_threads(1)


def build(family: str, seed: int = 0):
    architecture = tiny_architecture(family)
    return new_model(architecture, VOCABULARY, HeadSpec(LANGUAGE_HEAD[find_family(family).kind]), dropout=0.0, seed=seed)


def sources(count: int, seed: int = 0, longest: int = 20) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(14, VOCABULARY.size, random.integers(1, longest)).tolist() for _ in range(count)]


def prompts(texts: list[list[int]], family: str) -> list[list[int]]:
    return [prompt_ids(text, VOCABULARY, known_families()[family].kind).tolist() for text in texts]


def save(loaded, folder: Path, **more) -> Path:
    tokenizer = folder.parent / "tokenizer"
    tokenizer.mkdir(exist_ok=True)
    loaded.tokenizer.save(str(tokenizer / "tokenizer.json"))
    save_model(loaded.model, folder, loaded.info, tokenizer=tokenizer, **more)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_list_of_families_is_that_of_the_installed_transformers() -> None:
    listed = list_families()
    assert {name: (family.kind.value, " ".join(family.fields)) for name, family in known_families().items()} == {
        name: (row["kind"], row["fields"]) for name, row in listed.items()
    }


@families
def test_the_seed_alone_decides_the_weights(family: str) -> None:
    torch.manual_seed(1)
    first, state = build(family).named_weights(), torch.random.get_rng_state()
    torch.manual_seed(2)
    again, other = build(family).named_weights(), build(family, seed=1).named_weights()
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@families
def test_a_saved_model_loads_to_the_same_weights_and_saves_to_the_same_bytes(family: str, tmp_path: Path) -> None:
    original, history = tiny_loaded(family, VOCABULARY), [{"step": 1, "loss": 2.5}]
    save(original, tmp_path / "a", history=history)
    back = load_model(tmp_path / "a")
    save(replace(back, tokenizer=original.tokenizer), tmp_path / "b", history=history)
    assert back.info == original.info
    assert read_history(tmp_path / "a") == history
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    if original.model.kind.writes:
        asked = prompts(sources(4), family)
        assert generate(back, asked, 8) == generate(original, asked, 8)


@pytest.mark.parametrize("family", [name for name in PREDICTING if name != "t5_copy"])
def test_transformers_alone_opens_the_folder_with_the_same_logits_and_the_same_loss(family: str, tmp_path: Path) -> None:
    original = tiny_loaded(family, VOCABULARY, sharp=1.0)
    folder = save(original, tmp_path / "model")
    head = LANGUAGE_HEAD[original.model.kind]
    theirs = getattr(transformers, head.value).from_pretrained(folder, attn_implementation="eager").eval()
    texts, answers = sources(3, seed=5), [[20, 21, 1], [30, 1], [31, 32, 33, 1]]
    if original.model.kind is Kind.ENCODER:
        ids, mask = pad([[2, *text, 1] for text in texts], VOCABULARY.pad)
        labels = ids.masked_fill(mask == 0, IGNORED)
        batch = Batch({"input_ids": ids, "attention_mask": mask}, labels)
        expected = theirs(input_ids=ids, attention_mask=mask, labels=labels)
    elif original.model.kind is Kind.DECODER:
        documents = [text_document([2, *text, 1]) for text in texts]
        batch = collate_rows([[document] for document in documents], max(map(len, documents)), VOCABULARY.pad)
        ids, mask = pad([[2, *text, 1] for text in texts], VOCABULARY.pad)
        expected = theirs(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, IGNORED))
    else:
        batch = collate_answers(original.model, texts, answers, VOCABULARY)
        expected = theirs(input_ids=batch.inputs["input_ids"], attention_mask=batch.inputs["attention_mask"], labels=batch.labels)
    ours = token_losses(original.model, batch)
    assert float(ours.mean().detach()) == pytest.approx(float(expected.loss.detach()), rel=1e-5)
    if original.model.kind is not Kind.DECODER:
        real = batch.labels != IGNORED
        torch.testing.assert_close(original.model(batch).logits[real], expected.logits[real], rtol=1e-5, atol=1e-5)


def test_a_folder_with_a_copy_head_is_refused_by_transformers_alone(tmp_path: Path) -> None:
    folder = save(tiny_loaded("t5_copy", VOCABULARY), tmp_path / "model")
    with pytest.raises(ValueError, match="t5_copy"):
        transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)


@families
def test_logits_at_labels_are_those_of_the_whole_batch(family: str) -> None:
    model = build(family).eval()
    if model.kind is Kind.ENCODER:
        ids, mask = pad([[2, *text, 1] for text in sources(3)], VOCABULARY.pad)
        batch = Batch({"input_ids": ids, "attention_mask": mask}, ids.masked_fill(torch.rand(ids.shape) < 0.5, IGNORED))
    else:
        batch = collate_answers(model, sources(3), [[20, 21, 1], [30, 1], [31, 1]], VOCABULARY)
    wanted = batch.labels != IGNORED
    everything = model(batch).logits.log_softmax(-1)
    expected = -everything[wanted].gather(1, batch.labels[wanted][:, None]).squeeze(1)
    torch.testing.assert_close(token_losses(model, batch), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", [name for name in PREDICTING if known_families()[name].kind is not Kind.ENCODER_DECODER])
@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
def test_a_packed_document_does_not_feel_its_neighbours(family: str, kernel: str) -> None:
    model = build(family).eval()
    model.set_attention_kernel(kernel)
    assert isolates_documents(model, VOCABULARY.size)
    mine = [answer_document([20, 21, 22], [30, 31, 1], VOCABULARY), text_document([40, 41, 42, 43, 1])]
    alone = [token_losses(model, collate_rows([[one]], len(one), 0)).detach() for one in mine]
    for changed in (50, 51):
        before, between = text_document([changed, 14, changed, 1]), answer_document([changed], [changed, 1], VOCABULARY)
        packed = token_losses(model, collate_rows([[before, mine[0], between, mine[1], before]], 36, 0)).detach()
        torch.testing.assert_close(packed[3:6], alone[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(packed[8:12], alone[1], rtol=1e-5, atol=1e-5)


def test_a_model_that_ignores_the_mask_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("gpt2")
    whole = type(model).inputs
    # eager attention adds a boolean mask as zeros and ones
    monkeypatch.setattr(
        type(model), "inputs", lambda self, batch: {**(found := whole(self, batch)), "attention_mask": found["attention_mask"] == 0}
    )
    assert not isolates_documents(model, VOCABULARY.size)
    assert model.training


@pytest.mark.parametrize("family", ["t5", "t5_copy", "bart", "marian"])
def test_padding_does_not_change_an_example(family: str) -> None:
    model = build(family).eval()
    alone = token_losses(model, collate_answers(model, [[20, 21]], [[30, 1]], VOCABULARY)).detach()
    padded = token_losses(model, collate_answers(model, [[20, 21], list(range(14, 40))], [[30, 1], [40, 41, 42, 1]], VOCABULARY)).detach()
    torch.testing.assert_close(padded[:2], alone, rtol=1e-5, atol=1e-5)


@writing
def test_an_answer_token_does_not_see_what_follows_it(family: str) -> None:
    model = build(family).eval()
    losses = [token_losses(model, collate_answers(model, [[20, 21, 22]], [[30, 31, last]], VOCABULARY)).detach() for last in (32, 33)]
    torch.testing.assert_close(losses[0][:2], losses[1][:2])
    assert not torch.allclose(losses[0][2], losses[1][2])


@writing
def test_an_example_alone_and_in_company_gets_the_same_answer(family: str) -> None:
    loaded = tiny_loaded(family, VOCABULARY)
    asked = prompts(sources(20), family)
    together = generate(loaded, asked, 8, batch=7)
    assert together == [generate(loaded, [prompt], 8)[0] for prompt in asked]
    assert together[::-1] == generate(loaded, asked[::-1], 8, batch=30)
    if family not in {"bart", "marian"}:  # untrained, these write the same for every source
        assert len({tuple(answer) for answer in together}) > 5


@writing
def test_answers_hold_no_special_token_and_follow_the_settings(family: str) -> None:
    loaded = tiny_loaded(family, VOCABULARY, seed=3)
    asked = prompts(sources(10), family)
    for answer in generate(loaded, asked, 15, {"no_repeat_ngram_size": 3}):
        assert not set(answer) & set(VOCABULARY.special)
        triples = list(zip(answer, answer[1:], answer[2:], strict=False))
        assert len(triples) == len(set(triples))
    repeating = generate(loaded, asked, 15)
    assert any(len(set(zip(a, a[1:], a[2:], strict=False))) < len(a) - 2 for a in repeating if len(a) > 3), "no ban without the setting"


@writing
def test_what_is_written_is_what_the_losses_find_most_probable(family: str) -> None:
    loaded = tiny_loaded(family, VOCABULARY)
    for text in sources(5, seed=4):
        written = generate(loaded, prompts([text], family), 1)[0]
        allowed = [token for token in range(VOCABULARY.size) if token == 1 or token not in VOCABULARY.special]
        losses = [negative_log_likelihoods(loaded, [text], [[token]])[0] for token in allowed]
        assert (written or [1]) == [allowed[int(np.argmin(losses))]]


def test_beams_are_those_of_transformers() -> None:
    loaded = tiny_loaded("gpt2", VOCABULARY)
    prompt = prompts(sources(1, seed=2), "gpt2")[0]
    bare = loaded.model.core.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), num_beams=4, max_new_tokens=6, do_sample=False,
        eos_token_id=1, pad_token_id=0, suppress_tokens=[token for token in VOCABULARY.special if token != 1],
    )[0, len(prompt) :].tolist()  # fmt: skip
    assert generate(loaded, [prompt], 6, {"num_beams": 4})[0] == (bare[: bare.index(1)] if 1 in bare else bare)


def test_an_empty_prompt_gives_an_empty_answer() -> None:
    assert generate(tiny_loaded("t5", VOCABULARY), [[], [20, 21]], 4)[0] == []


def test_the_copy_head_learns_to_copy_what_the_vocabulary_cannot_know() -> None:
    model = build("t5_copy")
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    random = np.random.default_rng(0)
    for _ in range(250):
        texts = [random.integers(14, 50, 4).tolist() for _ in range(16)]
        optimizer.zero_grad()
        token_losses(model, collate_answers(model, texts, [[text[2], 1] for text in texts], VOCABULARY)).mean().backward()
        optimizer.step()
    assert all(weight.grad is not None and bool(weight.grad.abs().sum() > 0) for weight in model.core.copy_head.parameters())
    unseen = [random.integers(50, VOCABULARY.size, 4).tolist() for _ in range(16)]
    losses = token_losses(model.eval(), collate_answers(model, unseen, [[text[2], 1] for text in unseen], VOCABULARY))[0::2]
    assert float(losses.detach().mean()) < 0.7 * np.log(VOCABULARY.size)


def test_the_gradient_of_the_copy_head_is_that_of_its_formula() -> None:
    model = build("t5_copy").double()
    batch = collate_answers(model, [[20, 21, 20]], [[20, 55, 1]], VOCABULARY)
    weight = model.core.copy_head.gate.weight
    token_losses(model, batch).sum().backward()
    exact = weight.grad[0, 5].item()
    with torch.no_grad():
        losses = []
        for change in (1e-5, -2e-5):
            weight[0, 5] += change
            losses.append(token_losses(model, batch).sum().item())
    assert exact == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4)


def test_batches_count_labels_and_tokens() -> None:
    batch = collate_answers(build("t5"), [[20, 21, 22], [20]], [[30, 1], [30, 31, 1]], VOCABULARY)
    assert (batch.label_count, batch.tokens) == (5, 24)
    assert int((batch.labels == IGNORED).sum()) == 3


@pytest.mark.parametrize(
    ("family", "config", "said"),
    [
        ("brt", {}, "'brt'.*bert"),
        ("bert", {"hiden_size": 8}, "'hiden_size'.*hidden_size"),
        ("bert", {"hidden_size": 10, "num_attention_heads": 3}, "model.config of bert"),
        ("gpt2", {"n_head": 7}, "model.config of gpt2"),
    ],
)
def test_what_a_family_cannot_build_is_refused(family: str, config: dict[str, int], said: str) -> None:
    from pipeline.models.architecture import Architecture

    with pytest.raises(BadInput, match=said):
        new_model(Architecture(family, 40, config), VOCABULARY, HeadSpec(LANGUAGE_HEAD[Kind.DECODER]), 0.0, 0)


def test_damaged_and_missing_weights_are_refused(tmp_path: Path) -> None:
    folder = save(tiny_loaded("t5", VOCABULARY), tmp_path / "model")
    whole = (folder / "model.safetensors").read_bytes()
    for damaged in (b"nonsense", whole[: len(whole) // 2]):
        (folder / "model.safetensors").write_bytes(damaged)
        with pytest.raises(BadInput, match=r"the weights in .* cannot be read"):
            load_model(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"no model\.safetensors"):
        load_model(folder)


def test_the_model_before_its_first_step_is_built_again() -> None:
    info = tiny_info("gpt2", VOCABULARY, seed=7)
    first, again = untrained(info), untrained(info)
    assert all(torch.equal(weight, again.named_weights()[name]) for name, weight in first.named_weights().items())
    assert untrained(replace(info, architecture=None)) is None
