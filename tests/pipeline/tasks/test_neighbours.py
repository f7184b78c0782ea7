"""Which words and texts the report of an embedding shows as near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.documents import document

from pipeline.corpus.choose_examples import Examples
from pipeline.evaluation.results import SplitResult
from pipeline.families.kinds import Head
from pipeline.metrics.base import Prediction
from pipeline.models.build import HeadSpec
from pipeline.models.files import load_model
from pipeline.reporter import SilentReporter
from pipeline.tasks.embedding.neighbours import MIN_DOCUMENTS, frequent_words, neighbours
from pipeline.tasks.embedding.section import Embedding
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TASK = Embedding(kind="embedding", max_tokens=40)
VECTORS = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6], [1, 0], [-1, 0]], dtype=np.float32)


def test_neighbours_are_the_nearest_others_in_order() -> None:
    rows = neighbours(["a", "b", "c", "a", "d"], VECTORS, [0, 1], 2)
    assert [(text, [tuple(near) for near in found]) for text, found in rows] == [
        ("a", [("c", pytest.approx(0.8)), ("b", pytest.approx(0.6))]),
        ("b", [("c", pytest.approx(0.96)), ("a", pytest.approx(0.6))]),
    ]


def test_words_are_those_of_several_documents_but_not_of_almost_all() -> None:
    documents = [
        document(index, f"The {'Cache' if index < 12 else 'file'} {index}")._replace(pair="cache?" if index < 3 else f"only{index}")
        for index in range(200)
    ]
    assert frequent_words(documents) == ["cache"], "`the` and `file` are in most documents, `only3` in one, numbers are no words"
    assert frequent_words(documents[: MIN_DOCUMENTS - 1]) == []


def test_the_report_shows_near_words_and_the_near_texts_of_each_split(make_model: Callable[..., Path]) -> None:
    loaded = load_model(make_model("word_vectors", task=TASK.model_dump(), head=HeadSpec(Head.NONE)))
    verbs = ["close", "open", "read", "write"]
    known = [document(index, f"{verbs[index // 6]} it, please" if index < 24 else f"it, please n{index}") for index in range(300)]
    tested = [document(index, f"Text {index}. " + "word " * 60) for index in range(5)]
    said = [Prediction(numbers=tuple(vector)) for vector in VECTORS.tolist()]
    result = SplitResult("held_out", Examples(tested, ["x"] * 5), {"model": said}, {"model": {}})
    scoring = part(TASK, "scoring")
    assert scoring.nearest is not None
    words, texts = scoring.nearest(loaded, Examples(known, ["x"] * 300), [result], SilentReporter())
    assert words.title == "Near words"
    assert [text for text, _ in words.rows] == verbs
    assert [sorted(near.text for near in found) for _, found in words.rows] == [sorted(set(verbs) - {verb}) for verb in verbs]
    assert texts.title == "Near texts, held out split"
    assert [near.cosine for near in texts.rows[0][1]] == [1.0, 0.8, 0.6]
    assert texts.rows[0][0].startswith("Text 0. word word")
    assert texts.rows[0][0].endswith(" wo …")
    assert [text[:6] for text, _ in texts.rows] == [f"Text {index}" for index in range(5)], "each once"
    alone = scoring.nearest(loaded, Examples(tested[:4], ["x"] * 4), [result], SilentReporter())
    assert [table.title for table in alone] == [texts.title], "no word is in several documents, so no words are shown"
    assert texts.to_json()["rows"][0]["near"][0] == {"text": texts.rows[3][0], "cosine": 1.0}
