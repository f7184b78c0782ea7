"""What happens to each document of a corpus: duplicate, dropped from its split, filtered by the task, or kept.

All is decided at once, from the keys of all chunks in the order of the source. So the decisions depend on neither the chunks nor the
processes that cleaned them. Memory is about 40 bytes for each document: a column is read when it is needed, and digests are compared a sixteenth
of them at a time.

1. The split follows from the keys (`pipeline.corpus.splitting`).
2. Of equal documents in one split the first is kept. Splits are searched one by one: a document that joins another split, e.g. with a
   held-out group, takes none out of this one. Of several sources each then loses what is above its cap (`pipeline.corpus.choose_by_source`).
3. Documents that a frozen test set or a benchmark knows are dropped (`pipeline.corpus.decontaminate`), before anything is dropped for their sake.
4. Documents outside training that share a key with training or validation are dropped.
5. Near duplicates and near copies are dropped, if the recipe asks for it (`pipeline.corpus.drop_near_duplicates`, `drop_near_copies`).
6. The task takes note of those that are left, first of training; it may filter some of the others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.corpus.choose_by_source import OVER_CAP, choose
from pipeline.corpus.splitting import DIGEST_BYTES, IS_TEST, IS_TRAIN, IS_VALIDATION, SPLITS, TRAIN, assign_splits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.corpus.choose_by_source import Origins
    from pipeline.corpus.key_columns import KeyColumns
    from pipeline.recipe.data import Split
    from pipeline.tasks.base import TaskExamples

KEPT, DUPLICATE, FILTERED = range(3)
PARTS = 16
"""Parts in which digests are compared, by their first byte: what that takes beside them is a part of their size."""


@dataclass
class Decisions:
    """What happens to each document."""

    splits: NDArray[np.int8]
    """[documents] places in `SPLITS`."""

    outcomes: NDArray[np.int8]
    """[documents] `KEPT`, `DUPLICATE` or `FILTERED`."""

    reasons: Counter[str] = field(default_factory=Counter)
    """Documents that are filtered, by reason."""

    known: Counter[str] = field(default_factory=Counter)
    """Documents that left a split because training or validation knows them, by split."""

    near_duplicates: dict[str, int] = field(default_factory=dict)
    """Documents that each split lost to near duplicates, in it or in another split; empty if nobody looked for them."""

    @property
    def duplicates(self) -> int:
        """Number of exact duplicates."""
        return int((self.outcomes == DUPLICATE).sum())

    def of_split(self, split: int) -> NDArray[np.bool_]:
        """[documents] whether each is kept in a split."""
        return np.asarray((self.outcomes == KEPT) & (self.splits == split))

    def drop(self, places: NDArray[np.integer], reason: str) -> dict[str, int]:
        """Filter documents because of others; returns how many each split loses."""
        self.outcomes[places] = FILTERED
        if len(places):
            self.reasons[reason] += len(places)
        return dict(zip(SPLITS, np.bincount(self.splits[places], minlength=len(SPLITS)).tolist(), strict=True))

    def drop_known(self, places: NDArray[np.integer], reason: str) -> None:
        """Filter documents that training or validation knows."""
        self.known.update(self.drop(places, reason))


@dataclass(frozen=True)
class KnownKeys:
    """Digests of keys that a model saw before, in the training and validation of another corpus."""

    train: frozenset[bytes] = frozenset()
    validation: frozenset[bytes] = frozenset()


def decide(
    keys: KeyColumns,
    rules: Split,
    *,
    all_test: bool = False,
    frozen: bool = False,
    whole_keys: KeyColumns | None = None,
    origins: Origins | None = None,
) -> Decisions:
    """Steps 1 and 2: splits and duplicates.

    Args:
        keys: of all documents in order.
        rules: how documents are divided.
        all_test: whether all go into the test split, as fresh examples and those of a test set do.
        frozen: whether none does, because it comes from a frozen test set.
        whole_keys: of the documents before they were shortened, which decide the split; by default ``keys``.
        origins: the source of each document; None for a corpus of one source.
    """
    count = keys.num_rows
    splits = np.full(count, IS_TEST, np.int8) if all_test else _splits(whole_keys or keys, rules, frozen=frozen)
    decisions = Decisions(splits, np.zeros(count, np.int8))
    ids = fixed_bytes(keys["id"], DIGEST_BYTES)
    if origins:
        duplicates, over = choose(_numbers(ids, splits), ids, np.asarray(keys["chars"]), origins)
        decisions.outcomes[duplicates] = DUPLICATE
        decisions.drop(over, OVER_CAP)
    else:
        decisions.outcomes[~_first_of_each(ids, splits)] = DUPLICATE
    return decisions


def _splits(keys: KeyColumns, rules: Split, *, frozen: bool) -> NDArray[np.int8]:
    """[documents] the split of each: step 1. A function of its own, so that its digests leave memory before the next step's come."""
    named = keys["group"].combine_chunks()
    deciding = fixed_bytes(keys["decides"], DIGEST_BYTES)
    if rules.by == "input":
        second = np.asarray(keys["input_is_also"])
        deciding[second] = fixed_bytes(keys["also"], DIGEST_BYTES)[second]
    return assign_splits(rules, np.asarray(named.indices), named.dictionary.to_pylist(), deciding, frozen=frozen)


def first_of_equals(keys: KeyColumns) -> NDArray[np.bool_]:
    """[documents] whether each is the first with its content, in whatever split."""
    return _first_of_each(fixed_bytes(keys["id"], DIGEST_BYTES), np.zeros(keys.num_rows, np.int8))


def _first_of_each(ids: NDArray[np.uint8], splits: NDArray[np.int8]) -> NDArray[np.bool_]:
    """[documents] whether no earlier document of the same split has the same id."""
    found = np.zeros(len(ids), np.bool_)
    for part in range(PARTS):
        places = np.flatnonzero(ids[:, 0] % PARTS == part)
        _, first = np.unique(_codes(ids[places]) * len(SPLITS) + splits[places], return_index=True)
        found[places[first]] = True
    return found


def _numbers(ids: NDArray[np.uint8], splits: NDArray[np.int8]) -> NDArray[np.int64]:
    """[documents] a number for each id in each split, the same for equal documents of one split."""
    found, used = np.empty(len(ids), np.int64), 0
    for part in range(PARTS):
        places = np.flatnonzero(ids[:, 0] % PARTS == part)
        codes = _codes(ids[places]) * len(SPLITS) + splits[places]
        found[places] = used + codes
        used += int(codes.max(initial=-1)) + 1
    return found


def drop_known(decisions: Decisions, keys: KeyColumns, known: KnownKeys) -> None:
    """Step 4: drop documents outside training one of whose keys training or validation has, under the name of the first such key.

    Args:
        decisions: about all documents; changed.
        keys: of all documents.
        known: keys that a model saw before, of a corpus of fresh examples.
    """
    decides, also = (fixed_bytes(keys[name].drop_null(), DIGEST_BYTES) for name in ("decides", "also"))
    with_also = np.flatnonzero(~_nulls(keys["also"]))
    # a duplicate has the keys of the one that is kept
    count, splits, stays = len(decides), decisions.splits, decisions.outcomes == KEPT
    given = np.frombuffer(b"".join([*sorted(known.train), *sorted(known.validation)]), np.uint8).reshape(-1, DIGEST_BYTES)
    hits = np.zeros((2, count), np.bool_)
    for part in range(PARTS):
        first, second, old = (np.flatnonzero(each[:, 0] % PARTS == part) for each in (decides, also, given))
        codes = _codes(np.concatenate((decides[first], also[second], given[old])))
        second = with_also[second]
        of_first, of_second, of_old = np.split(codes, (len(first), len(first) + len(second)))
        seen = np.zeros((2, int(codes.max(initial=-1)) + 1), np.bool_)
        for split in (IS_TRAIN, IS_VALIDATION):
            seen[split, of_first[stays[first] & (splits[first] == split)]] = True
            seen[split, of_second[stays[second] & (splits[second] == split)]] = True
        seen[IS_TRAIN, of_old[old < len(known.train)]] = True
        seen[IS_VALIDATION, of_old[old >= len(known.train)]] = True
        for hit, places, key in zip(hits, (first, second), (of_first, of_second), strict=True):
            hit[places] = seen[IS_TRAIN, key] | (seen[IS_VALIDATION, key] & (splits[places] != IS_VALIDATION))
    hits &= stays & (splits != IS_TRAIN)
    pairs = keys["reasons"].combine_chunks()
    named = np.asarray(pairs.indices)
    for place, pair in enumerate(pairs.dictionary.to_pylist()):
        for reason, hit in zip(pair.split(","), (hits[0], hits[1] & ~hits[0]), strict=True):
            decisions.drop_known(np.flatnonzero(hit & (named == place)), reason)


def add_to_task(decisions: Decisions, keys: KeyColumns, examples: TaskExamples) -> None:
    """Step 6: let the task take note of what is left, first of training, then of the others in their order."""
    notes = keys["note"]
    train, noted = decisions.of_split(IS_TRAIN), ~_nulls(notes)
    for note in _chosen(notes, train & noted):
        examples.add(note, TRAIN)
    others = np.flatnonzero((decisions.outcomes == KEPT) & ~train & noted)
    for place, note in zip(others.tolist(), _chosen(notes, others), strict=True):
        reason = examples.add(note, SPLITS[decisions.splits[place]])
        if reason:
            decisions.outcomes[place] = FILTERED
            decisions.reasons[reason] += 1


def counts_of(decisions: Decisions, keys: KeyColumns) -> dict[str, int]:
    """Documents of each split by its name, and ``pairs_<split>``, those with a target."""
    pairs = np.asarray(keys["pair"])
    kept = {split: decisions.of_split(place) for place, split in enumerate(SPLITS)}
    return {split: int(mask.sum()) for split, mask in kept.items()} | {
        f"pairs_{split}": int(pairs[mask].sum()) for split, mask in kept.items()
    }


def _chosen(notes: pa.ChunkedArray, which: NDArray[Any]) -> Iterator[str]:
    """Notes of some documents, a few thousand Python objects at once."""
    chosen: pa.ChunkedArray = notes.filter(pa.array(which)) if which.dtype == np.bool_ else notes.take(pa.array(which))
    for batch in chosen.chunks:
        for start in range(0, len(batch), 4096):
            yield from batch.slice(start, 4096).to_pylist()


def fixed_bytes(column: pa.ChunkedArray, width: int) -> NDArray[np.uint8]:
    """[rows, width] the bytes of a column of fixed width; zeros for null."""
    found: list[NDArray[np.uint8]] = [np.empty((0, width), np.uint8)]
    for chunk in column.chunks:
        if not len(chunk):
            continue
        start = chunk.offset * width
        raw = np.frombuffer(chunk.buffers()[1], np.uint8)[start : start + len(chunk) * width].reshape(-1, width)
        found.append(np.where(np.asarray(chunk.is_null())[:, None], np.uint8(0), raw) if chunk.null_count else raw)
    return np.concatenate(found)


def _nulls(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.is_null(), dtype=np.bool_)


def _codes(digests: NDArray[np.uint8]) -> NDArray[np.int64]:
    """[rows] a number for each digest, the same for equal ones."""
    if not len(digests):
        return np.empty(0, np.int64)
    column = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(DIGEST_BYTES), len(digests), [None, pa.py_buffer(np.ascontiguousarray(digests).tobytes())]
    )
    return np.asarray(pc.dictionary_encode(column).indices).astype(np.int64)
