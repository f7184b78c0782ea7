"""Answering: the same answer alone and in company, prompts cut, names optional."""

from __future__ import annotations

import pytest

from pipeline.errors import BadInput
from pipeline.serving.answer import Answerer


@pytest.fixture(scope="module", params=["t5", "gpt2"])
def answerer(request, make_model) -> Answerer:
    return Answerer.load(make_model(request.param))


def test_an_answer_does_not_depend_on_company_order_or_batch(answerer, questions) -> None:
    texts, names = questions["text"], questions["name"]
    together = answerer.answer(texts, names)
    alone = [answerer.answer([text], [name])[0] for text, name in zip(texts, names, strict=True)]
    assert together == alone
    assert answerer.answer(texts[::-1], names[::-1])[::-1] == together
    assert Answerer(answerer.loaded, batch=2).answer(texts, names) == together


def test_prompts_are_cut_and_special_tokens_in_a_text_are_plain_text(answerer, questions) -> None:
    encoded = answerer.encode(questions["text"], questions["name"])
    assert max(map(len, encoded)) == answerer.loaded.info.max_source_tokens
    assert not {0, 1, 2, 3, 4} & {token for row in encoded for token in row}


def test_a_name_changes_the_prompt_and_none_is_the_empty_one(answerer) -> None:
    assert answerer.encode(["text"], ["shop.open_file"]) != answerer.encode(["text"])
    assert answerer.encode(["text"], [""]) == answerer.encode(["text"])


def test_progress_is_told_up_to_the_last_text(answerer, questions) -> None:
    told: list[int] = []
    answerer.answer(questions["text"], None, told.append)
    assert told[-1] == len(questions["text"])


def test_names_that_do_not_match_are_refused(answerer) -> None:
    with pytest.raises(BadInput, match="1 names for 2 texts"):
        answerer.answer(["a", "b"], ["x"])
    assert answerer.answer([]) == []
