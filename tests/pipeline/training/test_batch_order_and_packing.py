"""Sample order is a pure function of seed and step; cutting and packing lose and repeat nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.batch_order import MASKS, ORDER, EpochBatches, batches_of_similar_length, random_generator
from pipeline.training.packing import cut_documents, pack_best_fit

LENGTHS = np.random.default_rng(0).integers(1, 90, 1000)


def test_every_epoch_holds_every_example_once_and_in_another_order() -> None:
    first, second = (batches_of_similar_length(3, epoch, LENGTHS, 16) for epoch in (0, 1))
    for epoch in (first, second):
        assert sorted(np.concatenate(epoch).tolist()) == list(range(1000))
    assert any(not np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_examples_of_a_batch_are_of_similar_length() -> None:
    padded = sum(len(batch) * int(LENGTHS[batch].max()) for batch in batches_of_similar_length(3, 0, LENGTHS, 16))
    assert LENGTHS.sum() / padded > 0.95


def test_the_batch_of_a_step_does_not_depend_on_how_one_got_there() -> None:
    def plan(epoch: int) -> list[np.ndarray]:
        return batches_of_similar_length(7, epoch, LENGTHS[: 90 + epoch], 8)

    walked = EpochBatches(plan)
    in_order = [walked.batch(step).tolist() for step in range(60)]
    for step in (59, 0, 31, 12, 13):
        assert EpochBatches(plan).batch(step).tolist() == in_order[step] == walked.batch(step).tolist()


@given(st.integers(1, 400), st.integers(1, 5), st.integers(0, 300))
def test_a_resumed_run_plans_its_own_epoch_alone(examples: int, batch: int, step: int) -> None:
    planned = []

    def plan(epoch: int) -> list[np.ndarray]:
        planned.append(epoch)
        return batches_of_similar_length(7, epoch, np.arange(examples), batch)

    per_epoch = -(-examples // batch)
    walked = EpochBatches(plan).batch(step)
    planned.clear()
    assert EpochBatches(plan, per_epoch).batch(step).tolist() == walked.tolist()
    assert planned == [step // per_epoch]


def test_purposes_and_numbers_draw_from_streams_of_their_own() -> None:
    draws = {
        int(random_generator(seed, purpose, number).integers(2**60)) for seed in (0, 1) for purpose in (ORDER, MASKS) for number in (0, 1)
    }
    assert len(draws) == 8


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(2, 12))
def test_pieces_cover_every_token_once(sizes: list[int], length: int) -> None:
    offsets = np.cumsum([0, *sizes])
    cut = cut_documents(offsets, length, min_tokens=1)
    assert [token for first, last in cut for token in range(first, last)] == list(range(offsets[-1]))
    owner = np.searchsorted(offsets, np.arange(offsets[-1]), side="right")
    assert all(len(set(owner[first:last])) == 1 and last - first <= length for first, last in cut)


def test_overlapping_pieces_predict_every_token_but_the_first_of_a_document() -> None:
    cut = cut_documents(np.array([0, 10, 11, 14]), 4, overlap=1)
    predicted = [token for first, last in cut for token in range(first + 1, last)]
    assert predicted == [*range(1, 10), *range(12, 14)]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.integers(20, 30))
def test_packing_holds_every_item_once_and_fits(sizes: list[int], room: int) -> None:
    rows = pack_best_fit(range(len(sizes)), np.array(sizes), room, window=16)
    assert sorted(item for row in rows for item in row) == list(range(len(sizes)))
    assert all(sum(sizes[item] for item in row) <= room for row in rows)


def test_packing_wastes_little() -> None:
    rows = pack_best_fit(range(1000), LENGTHS, 128)
    assert LENGTHS.sum() / (len(rows) * 128) == pytest.approx(1.0, abs=0.03)
