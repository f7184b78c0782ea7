"""The choice of examples: by hash, the same whatever the order of the documents, and without holding a whole split."""

from __future__ import annotations

import tracemalloc

import pytest
from fixtures.documents import document

from pipeline.corpus.choose_examples import Examples, choose_examples
from pipeline.evaluation.examples import examples_digest
from pipeline.tasks.summarization.scoring import make_scoring
from pipeline.tasks.summarization.section import Summarization

REFERENCE = make_scoring(Summarization(kind="summarization")).reference


def chosen(documents, wanted: int, seed: int = 0) -> list[str]:
    return [one.id for one in choose_examples(documents, REFERENCE, wanted, seed).documents]


def test_chosen_examples_stay_chosen_when_others_join() -> None:
    before, after = (chosen([document(index) for index in range(count)], 20) for count in (100, 110))
    assert len(before) == 20
    assert len(set(before) & set(after)) >= 15
    assert before == sorted(before)
    assert chosen([document(index) for index in reversed(range(100))], 20) == before
    assert chosen([document(index) for index in range(100)], 20, seed=1) != before


def test_documents_without_a_reference_are_not_examples() -> None:
    found = choose_examples([document(1, target=None), document(2), document(3, target="")], REFERENCE, 5, seed=0)
    assert found == Examples([document(2)], ["Say it."])


def test_only_the_chosen_documents_are_held() -> None:
    """20,000 documents of 10 kB would be 200 MB."""
    tracemalloc.start()
    chosen((document(index, text=f"{index} " * 2000) for index in range(20_000)), 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6


@pytest.mark.parametrize(
    "other",
    [document(1, text="x"), document(1, target="x"), document(1, name="x"), document(1, group="x"), document(2)],
)
def test_the_digest_of_examples_covers_all_that_was_asked_and_expected(other) -> None:
    def digest(one) -> str:
        return examples_digest(Examples([one], [one.target]))

    assert digest(document(1)) == digest(document(1))
    assert digest(document(1)) != digest(other)
