"""Whole lines with a WordPiece and with a Unigram tokenizer: from rows to a served answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from transformers import AutoTokenizer

from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tokens.tokenizer_folder import read_vocabulary

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)  # whole lines run

CHANGES = {
    "bert": {"tokenizer.kind": "wordpiece", "pretraining.whole_words": True},
    "gpt2": {"tokenizer.kind": "unigram"},
    "t5_copy": {"tokenizer.kind": "unigram", "tokenizer.vocabulary": 500},
}


@pytest.mark.prove
@pytest.mark.parametrize("family", CHANGES)
def test_a_line_trains_evaluates_and_registers(make_line, family: str, tmp_path: Path) -> None:
    line = make_line(family=family)
    heard = line.run(CHANGES[family])
    assert {"tokenization", "pretraining", "finetuning", "evaluation", "registration"} <= set(heard.launched)
    tokens = line.manifest("tokenization")
    folder = line.artifacts.open(tokens, tmp_path / "tokens") / "tokenizer"
    ours, vocabulary = load_content_tokenizer(folder), read_vocabulary(folder)
    assert vocabulary.size == tokens.counts["vocabulary"] <= (500 if family == "t5_copy" else 400)
    assert len(vocabulary.sentinels) == 10
    theirs = AutoTokenizer.from_pretrained(line.artifacts.open(line.manifest("finetuning"), tmp_path / "model"))
    text = "Reads the number of the socket, and don't return."
    assert theirs(text, add_special_tokens=False).input_ids == ours.encode(text, add_special_tokens=False).ids
    assert theirs.decode(theirs(text, add_special_tokens=False).input_ids) == text
    # a second run finds everything
    assert line.run(CHANGES[family]).launched == []
