"""What happens to each document of a corpus: duplicate, dropped from its split, filtered by the task, or kept.

All is decided at once, from the keys of all chunks in the order of the source. So the decisions depend on neither the chunks nor the
processes that cleaned them. Memory is about 100 bytes for each document.

1. The split follows from the keys (`pipeline.corpus.splitting`).
2. Of equal documents in one split the first is kept. Splits are searched one by one: a document that joins another split, e.g. with a
   held-out group, takes none out of this one.
3. Documents that a frozen test set or a benchmark knows are dropped (`pipeline.corpus.decontaminate`), before anything is dropped for their sake.
4. Documents outside training that share a key with training or validation are dropped.
5. Near duplicates and near copies are dropped, if the recipe asks for it.
6. The task takes note of those that are left, first of training; it may filter some of the others.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.corpus.near_duplicates import dropped_of_clusters, find_clusters
from pipeline.corpus.signatures import PLACES
from pipeline.corpus.splitting import DIGEST_BYTES, IS_TEST, IS_TRAIN, IS_VALIDATION, SPLITS, TRAIN, assign_splits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.recipe.data import Split
    from pipeline.recipe.deduplication import Deduplication
    from pipeline.tasks.base import TaskExamples

log = logging.getLogger(__name__)

KEPT, DUPLICATE, FILTERED = range(3)
BEFORE_ALL = -1
"""Stands for the split of documents that stay, whatever else is in their cluster."""


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


def decide(keys: pa.Table, rules: Split, *, all_test: bool = False, frozen: bool = False, whole_keys: pa.Table | None = None) -> Decisions:
    """Steps 1 and 2: splits and duplicates.

    Args:
        keys: of all documents in order, with the columns of `pipeline.corpus.chunk_files.KEY_SCHEMA`.
        rules: how documents are divided.
        all_test: whether all go into the test split, as fresh examples and those of a test set do.
        frozen: whether none does, because it comes from a frozen test set.
        whole_keys: of the documents before they were shortened, which decide the split; by default ``keys``.
    """
    count = keys.num_rows
    if not all_test:
        by = keys if whole_keys is None else whole_keys
        decides, also = fixed_bytes(by["decides"], DIGEST_BYTES), fixed_bytes(by["also"], DIGEST_BYTES)
        groups = pc.dictionary_encode(keys["group"].combine_chunks()) if count else pa.array([], pa.string()).dictionary_encode()
        deciding = decides
        if rules.by == "input":
            deciding = np.where(np.asarray(keys["input_is_also"])[:, None], also, decides)
        splits = assign_splits(rules, np.asarray(groups.indices), groups.dictionary.to_pylist(), deciding, frozen=frozen)
    else:
        splits = np.full(count, IS_TEST, np.int8)
    decisions = Decisions(splits, np.zeros(count, np.int8))
    same = _codes(fixed_bytes(keys["id"], DIGEST_BYTES)) * len(SPLITS) + splits
    _, first = np.unique(same, return_index=True)
    again = np.ones(count, np.bool_)
    again[first] = False
    decisions.outcomes[again] = DUPLICATE
    return decisions


def first_of_equals(keys: pa.Table) -> NDArray[np.bool_]:
    """[documents] whether each is the first with its content, in whatever split."""
    first = np.zeros(keys.num_rows, np.bool_)
    first[np.unique(_codes(fixed_bytes(keys["id"], DIGEST_BYTES)), return_index=True)[1]] = True
    return first


def drop_known(decisions: Decisions, keys: pa.Table, known: KnownKeys) -> None:
    """Step 4: drop documents outside training one of whose keys training or validation has, under the name of the first such key.

    Args:
        decisions: about all documents; changed.
        keys: of all documents.
        known: keys that a model saw before, of a corpus of fresh examples.
    """
    decides, also = fixed_bytes(keys["decides"], DIGEST_BYTES), fixed_bytes(keys["also"], DIGEST_BYTES)
    has_also = ~_nulls(keys["also"])
    count, splits, stays = len(decides), decisions.splits, decisions.outcomes == KEPT
    given = [*sorted(known.train), *sorted(known.validation)]
    codes = _codes(np.concatenate((decides, also, np.frombuffer(b"".join(given), np.uint8).reshape(-1, DIGEST_BYTES))))
    first, second, old = codes[:count], codes[count : 2 * count], codes[2 * count :]
    seen = np.zeros((2, int(codes.max(initial=-1)) + 1), np.bool_)
    for split in (IS_TRAIN, IS_VALIDATION):
        # a duplicate has the keys of the one that is kept
        seen[split, first[stays & (splits == split)]] = True
        seen[split, second[stays & (splits == split) & has_also]] = True
    seen[IS_TRAIN, old[: len(known.train)]] = True
    seen[IS_VALIDATION, old[len(known.train) :]] = True
    asked = stays & (splits != IS_TRAIN)
    hits = [
        (seen[IS_TRAIN, key] | (seen[IS_VALIDATION, key] & (splits != IS_VALIDATION))) & asked & has
        for key, has in ((first, np.ones(count, np.bool_)), (second, has_also))
    ]
    pairs = keys["reasons"].combine_chunks().dictionary_encode() if count else pa.array([], pa.string()).dictionary_encode()
    named = np.asarray(pairs.indices)
    for place, pair in enumerate(pairs.dictionary.to_pylist()):
        for reason, hit in zip(pair.split(","), (hits[0], hits[1] & ~hits[0]), strict=True):
            decisions.drop_known(np.flatnonzero(hit & (named == place)), reason)


def drop_near_duplicates(decisions: Decisions, keys: pa.Table, rules: Deduplication, learned: Sequence[bytes]) -> None:
    """A part of step 5: drop near duplicates among what is left.

    Args:
        decisions: about all documents; changed.
        keys: of all documents.
        rules: of the recipe.
        learned: signatures of documents that are in the corpus already: those that a model learned from, or those of a frozen test set. They stay,
            and what is in a cluster with them does not.
    """
    signatures = keys["signature"]
    asked = np.flatnonzero((decisions.outcomes == KEPT) & np.asarray(signatures.is_valid()))
    old = np.frombuffer(b"".join(learned), np.uint8).reshape(-1, PLACES)
    assert rules.near is not None  # noqa: S101 - documents have no signatures otherwise
    found = np.concatenate((old, fixed_bytes(signatures.take(pa.array(asked)), PLACES)))
    splits = np.concatenate((np.full(len(old), BEFORE_ALL, np.int8), decisions.splits[asked]))
    dropped = dropped_of_clusters(find_clusters(found, rules.near), splits, keep_all=rules.keep == "all")[len(old) :]
    decisions.near_duplicates = decisions.drop(asked[dropped], "near_duplicate")
    log.info("near duplicates left out: %s", ", ".join(f"{split} {times}" for split, times in decisions.near_duplicates.items()))


def add_to_task(decisions: Decisions, keys: pa.Table, examples: TaskExamples) -> None:
    """Step 6: let the task take note of what is left, first of training, then of the others in their order."""
    notes = keys["note"]
    train = decisions.of_split(IS_TRAIN)
    for note in _chosen(notes, train):
        examples.add(note, TRAIN)
    others = np.flatnonzero((decisions.outcomes == KEPT) & ~train)
    for place, note in zip(others.tolist(), _chosen(notes, others), strict=True):
        reason = examples.add(note, SPLITS[decisions.splits[place]])
        if reason:
            decisions.outcomes[place] = FILTERED
            decisions.reasons[reason] += 1


def counts_of(decisions: Decisions, keys: pa.Table) -> dict[str, int]:
    """Documents of each split by its name, and ``pairs_<split>``, those with a target."""
    pairs = np.asarray(keys["pair"])
    kept = {split: decisions.of_split(place) for place, split in enumerate(SPLITS)}
    return {split: int(mask.sum()) for split, mask in kept.items()} | {
        f"pairs_{split}": int(pairs[mask].sum()) for split, mask in kept.items()
    }


def _chosen(notes: pa.ChunkedArray, which: NDArray[Any]) -> Iterator[str | None]:
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
