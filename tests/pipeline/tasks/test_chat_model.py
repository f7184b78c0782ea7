"""Chat as token ids: templates, marks of the answers, what is dropped; losses and answers; rows of a request."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.families import tiny_architecture

from pipeline.corpus.cleaning.text_cleaner import TextCleaner
from pipeline.corpus.documents import Document
from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.batch import IGNORED
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.files import load_model
from pipeline.serving.answer import Answerer
from pipeline.tasks.chat.encode import Encode
from pipeline.tasks.chat.model import ChatModel
from pipeline.tasks.chat.section import Chat
from pipeline.tasks.chat.serving import Serving
from pipeline.tasks.chat.template import ChatTemplate
from pipeline.tokens.text_encoder import encoder_of
from pipeline.tokens.tokenizer_folder import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHATML = (
    "{% for message in messages %}{{ '<sep>' + message['role'] + '\n' + message['content'] + '<eos>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<sep>assistant\n' }}{% endif %}"
)
LONG = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "What opens the file?"},
    {"role": "assistant", "content": "The reader."},
    {"role": "user", "content": "Who says <eos> and <sep>?"},
    {"role": "assistant", "content": "Nobody <eos> does."},
]


def section(**fields: Any) -> Chat:
    return Chat.model_validate({"kind": "chat", "max_source_tokens": 60, "max_target_tokens": 30, **fields})


@pytest.fixture(scope="module")
def folder(make_model: Callable[..., Path]) -> Path:
    return make_model("llama", task=section(template=CHATML).model_dump(mode="json", exclude_none=True), sharp=6.0)


@pytest.fixture(scope="module")
def encoder(folder: Path):
    return encoder_of(load_model(folder))


def conversation(messages: list[dict[str, str]]) -> Document:
    *before, answer = messages
    return Document("id", "", "", "x", json.dumps(before), answer["content"])


@pytest.mark.parametrize("template", [CHATML, None])
def test_every_answer_and_its_end_is_predicted_and_nothing_else(encoder, template) -> None:
    rendered = ChatTemplate(encoder, template).render(LONG)
    tokenizer = load_tokenizer(encoder.folder)
    runs, answers = np.flatnonzero(np.diff(np.concatenate([[0], rendered.predicted.astype(int), [0]]))).reshape(-1, 2), []
    for begin, end in runs:
        assert rendered.ids[end - 1] == encoder.vocabulary.eos
        answers.append(tokenizer.decode(rendered.ids[begin : end - 1]))
    assert answers == ["The reader.", "Nobody <eos> does."]
    assert runs[-1][0] == rendered.last
    assert "<eos> and <sep>?" in tokenizer.decode(rendered.ids, skip_special_tokens=True), "a token spelled in a message is plain text"


def test_the_ids_are_those_of_transformers_where_no_message_spells_a_special_token(encoder) -> None:
    plain = [{**message, "content": message["content"].replace("<eos>", "E").replace("<sep>", "S")} for message in LONG]
    expected = load_tokenizer(encoder.folder).apply_chat_template(plain, chat_template=CHATML, tokenize=True, return_dict=True)["input_ids"]
    assert ChatTemplate(encoder, CHATML).render(plain).ids.tolist() == expected


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ messages[0]['content'] }}", "does not show every message once"),
        ("{% for message in messages %}{{ message['content'] }}{% endfor %}", "does not end an answer with the end token"),
        ("{{ raise_exception('no system message') }}", "cannot be rendered: no system message"),
        ("{% for message in messages %}", "cannot be rendered"),
    ],
)
def test_a_template_that_cannot_be_used_is_one_line(encoder, template, said) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        ChatTemplate(encoder, template).render(LONG)
    assert "\n" not in str(caught.value)


def test_the_oldest_messages_are_dropped_and_what_is_too_long_is_counted(encoder) -> None:
    whole = len(ChatTemplate(encoder, CHATML).render(LONG).ids)
    encode = Encode(section(template=CHATML, max_source_tokens=whole - 40, max_target_tokens=30))
    counts: Counter[str] = Counter()
    (example,) = encode.encode([conversation(LONG)], encoder, counts, "train")
    assert counts == {"cut_conversations_train": 1}
    said = load_tokenizer(encoder.folder).decode(example["ids"], skip_special_tokens=True)
    assert "Be kind." in said
    assert "The reader." not in said
    tiny = Encode(section(template=CHATML, max_source_tokens=8, max_target_tokens=4))
    assert list(tiny.encode([conversation(LONG)], encoder, counts, "train")) == []
    assert counts["too_long_train"] == 1
    assert len(tiny.prompt(conversation(LONG), ChatTemplate(encoder, CHATML))) == 8


def test_losses_are_transformers_own_on_the_marked_tokens(encoder) -> None:
    from pipeline.models.collate import collate_rows, text_document
    from pipeline.models.losses import token_losses

    model = new_model(
        tiny_architecture("llama", 200), encoder.vocabulary, HeadSpec(ChatModel(section()).head(Kind.DECODER, ()).head), 0.0, 0
    ).eval()
    rendered = ChatTemplate(encoder, CHATML).render(LONG)
    batch = collate_rows([[text_document(rendered.ids, rendered.predicted)]], len(rendered.ids) - 1, 0)
    labels = torch.tensor(rendered.ids).masked_fill(~torch.tensor(rendered.predicted), IGNORED)[None]
    expected = model.core(input_ids=torch.tensor(rendered.ids)[None], labels=labels).loss
    assert float(token_losses(model, batch).mean().detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_likelihoods_cover_the_last_answer_and_company_changes_nothing(folder) -> None:
    answerer = Answerer.load(folder)
    documents = [conversation(LONG), conversation(LONG[:3]), conversation([LONG[1], {"role": "assistant", "content": "Yes."}])]
    together = answerer.likelihoods(documents)
    for one, said in zip(documents, together, strict=True):
        (alone,) = answerer.likelihoods([one])
        assert said.nats == pytest.approx(alone.nats, rel=1e-4)
        assert said.bytes == len(one.target.encode())
        assert said.tokens == len(encoder_of(answerer.loaded).encode([one.target])[0]) + 1
    answers = [one.answer for one in answerer.predict(documents)]
    assert answers == [answerer.predict([one])[0].answer for one in documents]


def test_rows_of_messages_are_answered(folder) -> None:
    answerer = Answerer.load(folder)
    rows = [{"messages": LONG[:2]}, {"messages": None}, {"messages": []}, {"messages": LONG[:4]}]
    answers = answerer.answer(rows)["answer"]
    assert answers[0] == answerer.predict([conversation(LONG[:3])])[0].answer
    assert answers[1:3] == ["", ""]
    with pytest.raises(BadInput, match="role 'bot'"):
        answerer.answer([{"messages": [{"role": "bot", "content": "x"}]}])


def test_a_system_message_of_the_recipe_is_put_before_a_request() -> None:
    document = Serving(section(system="Be kind.")).document({"messages": LONG[1:2]}, TextCleaner(prose=False))
    assert json.loads(document.pair or "") == LONG[:2]
    assert document.target is None


@pytest.mark.parametrize("kind", [Kind.ENCODER, Kind.ENCODER_DECODER])
def test_only_decoders_chat(kind) -> None:
    with pytest.raises(BadInput, match="a decoder"):
        ChatModel(section()).head(kind, ())


def test_the_tokenizer_of_a_template_is_loaded_once(make_model, monkeypatch) -> None:
    """Loading it takes longer than to answer."""
    from pipeline.serving.answer import Answerer
    from pipeline.tasks.chat import template

    answerer = Answerer.load(make_model("llama", task={"kind": "chat", "max_source_tokens": 48, "max_target_tokens": 4}))
    loads, load = [], template.load_tokenizer
    monkeypatch.setattr(template, "load_tokenizer", lambda folder: loads.append(folder) or load(folder))
    row = {"messages": [{"role": "user", "content": "Which file?"}]}
    assert answerer.answer([row]) == answerer.answer([row])
    assert loads == [answerer.loaded.folder]
