"""A baseline reads as much of a text as a model does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.quality.same_tokens import SYSTEM, cut, score_same_tokens
from pyarrow import parquet, table
from transformers import AutoTokenizer

from pipeline.corpus.documents import Document
from pipeline.recipe.evaluation import Evaluation

if TYPE_CHECKING:
    from pathlib import Path

START = "Takes the file that was given, from disk."
LIMIT = 12


def test_a_text_is_cut_where_the_model_stops_reading(tiny_tokenizer: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer)
    whole, part = cut([Document("a", "", "", text, None, None) for text in ("A file.", START)], tokenizer, LIMIT)
    assert whole.text == "A file."
    assert START.startswith(part.text)
    assert tokenizer(part.text)["input_ids"] == tokenizer(START, truncation=True, max_length=LIMIT)["input_ids"]
    assert len(tokenizer(START)["input_ids"]) > LIMIT


@pytest.mark.parametrize(("limit", "right"), [(LIMIT, {50.0}), (200, {100.0})])
def test_what_the_model_does_not_read_helps_nobody(limit: int, right: set[float], tiny_tokenizer: Path, tmp_path: Path) -> None:
    """The last word alone tells the class."""
    corpus, output = tmp_path / "corpus", tmp_path / "output"
    corpus.mkdir()
    output.mkdir()
    for split in ("train", "test"):
        rows = [Document(f"{split}{number}", "", "", f"{START} {name}", None, name) for number in range(4) for name in ("lock", "page")]
        rows = [row._replace(id=row.id + str(row.target)) for row in rows]
        parquet.write_table(
            table({field: [getattr(row, field) for row in rows] for field in Document._fields}), corpus / f"{split}-00000.parquet"
        )
    score_same_tokens(corpus, tiny_tokenizer, limit, Evaluation(examples=8), output)
    found = parquet.read_table(output / "examples.parquet")[f"{SYSTEM}.accuracy"].to_pylist()
    assert {sum(row[0] for row in found) / len(found)} == right
