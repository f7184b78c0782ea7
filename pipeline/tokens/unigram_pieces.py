"""The pieces of a Unigram tokenizer, and how probable each is (Kudo 2018, "Subword Regularization", ACL).

A text is a sequence of pieces, drawn independently; the probability of a word is the sum over all its segmentations. Training begins with frequent
substrings. Expectation-maximization estimates their probabilities, then those are removed without which the words lose least likelihood, and
again, until the vocabulary has its size. The 256 bytes always stay, so that nothing is unknown.

The same words give the same pieces on every machine. The trainer of `tokenizers` goes through its words in the order of a hash that differs between
processes, so that its sums differ in their last digits and, at ties, its vocabulary (docs/decisions/0019-own-unigram-training.md). Here sums have
a fixed order, and EM multiplies and adds only; logarithms, whose last digits differ between processors, are rounded.

Legend of the arrays: an *edge* is one place of a piece in a word; *nodes* are the places between bytes, one more than bytes in each word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

BYTES = 256
LONGEST_WORD = 48
"""Bytes of a word that are one stretch; longer ones, e.g. of scripts without blanks, are cut between characters."""

LONGEST_PIECE = 24
"""Bytes of a piece."""

STUDIED = 2_000_000
"""Bytes of different words that pieces are learned from, the most frequent words first. It bounds time and memory, whatever the corpus."""

SEEDS = 10
"""Substrings to begin with, per token of the vocabulary."""

FEWEST_SEEDS = 50_000
SHRINK = 0.75
"""Share of the pieces that a round keeps, as in SentencePiece."""

STEPS = 2
"""Steps of EM in a round."""

SCALE = 10
"""Binary digits that a probability is shifted by for each byte, so that products do not underflow. All segmentations of a word have the same bytes:
it cancels out."""

DIGITS = 6
"""Decimal digits of a logarithm in the result: the last ones depend on the C library."""


class Edges(NamedTuple):
    """Places of pieces in words, in the order of their ends within the words."""

    start: NDArray[np.int64]
    """[edges]: the node before the piece."""

    end: NDArray[np.int64]
    """[edges]: the node after it."""

    piece: NDArray[np.int64]
    """[edges]: number of the piece."""


class Seeds(NamedTuple):
    """What training begins with."""

    text: list[bytes]
    """The pieces."""

    frequency: NDArray[np.float64]
    """[pieces]: how often each occurs."""

    position: NDArray[np.int64]
    """[places]: the byte where a place of a piece begins."""

    length: NDArray[np.int64]
    """[places]: its bytes."""

    piece: NDArray[np.int64]
    """[places]: number of the piece."""


@dataclass(frozen=True)
class Words:
    """Different words of a corpus, one after the other."""

    data: NDArray[np.uint8]
    """[bytes]."""

    count: NDArray[np.float64]
    """[words]: how often a word occurs."""

    begin: NDArray[np.int64]
    """[words]: its first byte."""

    length: NDArray[np.int64]
    """[words]: its bytes."""


def learn_pieces(words: Iterable[tuple[str, int]], size: int, min_frequency: int) -> list[tuple[bytes, float]]:
    """Learn the pieces of a vocabulary.

    Args:
        words: different words and how often each occurs.
        size: most pieces, the 256 bytes included.
        min_frequency: a substring becomes a piece only if it occurs at least this often.

    Returns:
        Pieces and the natural logarithms of their probabilities: the bytes in their order, then the others by falling probability. Fewer
        than ``size`` if the words have no more.
    """
    known = _lay_out(words)
    if not len(known.data):
        return [(bytes([value]), -math.log(BYTES)) for value in range(BYTES)]
    text, frequency, *places = _seeds(known, max(SEEDS * size, FEWEST_SEEDS), max(2, min_frequency))
    edges = _edges(known, *places)
    sizes = np.array([len(one) for one in text], dtype=np.int64)
    chance = frequency / frequency.sum()
    while True:
        for _ in range(STEPS):
            expected = _expect(known, edges, np.ldexp(chance, SCALE * sizes))
            kept = (expected >= 0.5) | (np.arange(len(sizes)) < BYTES)
            # half a count less: a piece that is hardly used loses most, as with the sparse prior of SentencePiece
            chance = np.maximum(expected - 0.5, 0.5)[kept]
            chance /= chance.sum()
            text, sizes, expected, edges = _only(kept, text, sizes, expected, edges)
        if len(sizes) <= size:
            break
        loss = _losses(edges, sizes, chance, expected)
        kept = _best(loss, max(size, int(len(sizes) * SHRINK)))
        chance = chance[kept] / chance[kept].sum()
        text, sizes, _, edges = _only(kept, text, sizes, expected, edges)
    order = [*range(BYTES), *sorted(range(BYTES, len(text)), key=lambda number: (-chance[number], text[number]))]
    return [(text[number], round(math.log(chance[number]), DIGITS)) for number in order]


def _lay_out(words: Iterable[tuple[str, int]]) -> Words:
    """The most frequent words as bytes; of equal ones the first in byte order."""
    stretches: dict[bytes, int] = {}
    for word, count in words:
        for part in _stretches(word):
            stretches[part] = stretches.get(part, 0) + count
    ordered = sorted(stretches.items(), key=lambda pair: (-pair[1], pair[0]))
    ends = np.cumsum([len(word) for word, _ in ordered], dtype=np.int64)
    ordered = ordered[: max(1, int(np.searchsorted(ends, STUDIED, side="right")))]
    length = np.array([len(word) for word, _ in ordered], dtype=np.int64)
    data = np.frombuffer(b"".join(word for word, _ in ordered), dtype=np.uint8)
    return Words(data, np.array([count for _, count in ordered], dtype=np.float64), np.cumsum(length) - length, length)


def _stretches(word: str) -> list[bytes]:
    """The bytes of a word, cut between characters."""
    data = word.encode()
    if len(data) <= LONGEST_WORD:
        return [data]
    longest = LONGEST_WORD // 4  # characters have at most four bytes
    return [word[start : start + longest].encode() for start in range(0, len(word), longest)]


def _seeds(words: Words, most: int, min_frequency: int) -> Seeds:
    """Bytes, and frequent substrings of whole characters.

    A substring is frequent only if its beginning is, so each round looks only at the places of the round before.
    """
    data, weight = words.data, np.repeat(words.count, words.length)
    left = np.repeat(words.begin + words.length, words.length) - np.arange(len(data))
    first = (data & 0xC0) != 0x80  # in UTF-8 these two bits mark a byte inside a character
    begins = np.append(first, True)
    name, places = data.astype(np.int64), np.flatnonzero(first & (left > 1))
    found: list[tuple[int, NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    for length in range(2, LONGEST_PIECE + 1):
        places = places[left[places] >= length]
        _, names = np.unique(name[places] * BYTES + data[places + length - 1], return_inverse=True)
        often = np.bincount(names, weights=weight[places])[names] >= min_frequency
        places = places[often]
        if not len(places):
            break
        name[places] = names[often]
        whole = places[begins[places + length]]
        _, example, number = np.unique(name[whole], return_index=True, return_inverse=True)
        found.append((length, whole, number, np.bincount(number, weights=weight[whole], minlength=len(example)), whole[example]))
    gains = np.concatenate([length * counts for length, _, _, counts, _ in found]) if found else np.zeros(0)
    chosen = _best(gains, most, always=0)
    pieces = [bytes([value]) for value in range(BYTES)]
    frequency = [np.maximum(np.bincount(data, weights=weight, minlength=BYTES), 1.0)]
    rows = [(np.arange(len(data)), np.ones(len(data), dtype=np.int64), data.astype(np.int64))]
    passed = 0
    for length, at, number, counts, example in found:
        mine = chosen[passed : passed + len(counts)]
        passed += len(counts)
        numbers = np.cumsum(mine) - 1 + len(pieces)
        kept = mine[number]
        rows.append((at[kept], np.full(int(kept.sum()), length, dtype=np.int64), numbers[number[kept]]))
        pieces += [data[start : start + length].tobytes() for start in example[mine].tolist()]
        frequency.append(counts[mine])
    position, lengths, piece = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Seeds(pieces, np.concatenate(frequency), position, lengths, piece)


def _edges(words: Words, position: NDArray[np.int64], length: NDArray[np.int64], piece: NDArray[np.int64]) -> Edges:
    """The places of pieces as edges between nodes."""
    word = np.repeat(np.arange(len(words.length)), words.length)[position]
    offset = position - words.begin[word] + length
    order = np.lexsort((length, word, offset))
    start = (position + word)[order]
    return Edges(start, start + length[order], piece[order])


def _expect(words: Words, edges: Edges, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each piece is expected in the words, by the probabilities of their segmentations: shape [pieces]."""
    node = words.begin + np.arange(len(words.begin))
    nodes, last = int(node[-1] + words.length[-1] + 1), node + words.length
    chance = weight[edges.piece]
    offset = _offsets(node, words.length)
    before, after = np.zeros(nodes), np.zeros(nodes)
    before[node] = after[last] = 1.0
    _pass_on(before, edges.start, edges.end, chance, offset[edges.end])
    backward = np.lexsort((edges.start, -offset[edges.start]))
    _pass_on(after, edges.end[backward], edges.start[backward], chance[backward], offset[edges.start[backward]])
    share = np.repeat(words.count / before[last], words.length + 1)
    expected: NDArray[Any] = np.bincount(
        edges.piece, weights=before[edges.start] * chance * after[edges.end] * share[edges.start], minlength=len(weight)
    )
    return expected


def _offsets(node: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of the word before each node."""
    return np.arange(int(node[-1] + length[-1] + 1)) - np.repeat(node, length + 1)


def _pass_on(
    sums: NDArray[np.float64], source: NDArray[np.int64], target: NDArray[np.int64], chance: NDArray[np.float64], layer: NDArray[np.int64]
) -> None:
    """Add up along the edges, layer after layer; edges with the same target are neighbours."""
    ends = np.flatnonzero(np.diff(layer, append=-1)) + 1
    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        targets = target[begin:end]
        groups = np.flatnonzero(np.diff(targets, prepend=-1))
        sums[targets[groups]] = np.add.reduceat(sums[source[begin:end]] * chance[begin:end], groups)


def _losses(edges: Edges, sizes: NDArray[np.int64], chance: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """The likelihood that is lost without each piece: how often it is expected, times how much less probable its other segmentations are.

    One place of a piece shows the edges within it.
    """
    pieces = np.arange(BYTES, len(sizes))
    by_start = np.argsort(edges.start, kind="stable")
    start, end, piece = (column[by_start] for column in edges)
    example = np.full(len(sizes), -1, dtype=np.int64)
    example[piece[::-1]] = start[::-1]
    length = sizes[pieces]
    # for each node inside a place, the edges that begin there
    owner = np.repeat(np.arange(len(pieces)), length)
    inner = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length)
    at = example[pieces][owner] + inner
    low, high = np.searchsorted(start, at), np.searchsorted(start, at, side="right")
    owner, inner = np.repeat(owner, high - low), np.repeat(inner, high - low)
    edge = np.arange(len(owner)) - np.repeat(np.cumsum(high - low) - (high - low), high - low) + np.repeat(low, high - low)
    reach = inner + (end - start)[edge]
    inside = (reach <= length[owner]) & ((reach - inner) < length[owner])
    owner, inner, reach, used = owner[inside], inner[inside], reach[inside], piece[edge[inside]]
    order = np.lexsort((inner, owner, reach))
    node = np.cumsum(length + 1) - (length + 1)
    sums = np.zeros(int(node[-1] + length[-1] + 1))
    sums[node] = 1.0
    weight = np.ldexp(chance, SCALE * sizes)
    _pass_on(sums, (node[owner] + inner)[order], (node[owner] + reach)[order], weight[used[order]], reach[order])
    others = np.ldexp(sums[node + length], -SCALE * length)
    lost = expected[BYTES:] * np.log(chance[BYTES:] / others)
    return np.concatenate([np.full(BYTES, np.inf), lost])


def _best(value: NDArray[np.float64], most: int, always: int = BYTES) -> NDArray[np.bool_]:
    """Which ones have the highest values; at a tie the first. Those before ``always`` are among them."""
    kept = np.zeros(len(value), dtype=np.bool_)
    # the last digits of a logarithm differ between processors
    kept[np.argsort(-value.astype(np.float32), kind="stable")[:most]] = True
    kept[:always] = True
    return kept


def _only(
    kept: NDArray[np.bool_], text: Sequence[bytes], sizes: NDArray[np.int64], expected: NDArray[np.float64], edges: Edges
) -> tuple[list[bytes], NDArray[np.int64], NDArray[np.float64], Edges]:
    """Everything without the pieces that are removed."""
    numbers, used = np.cumsum(kept) - 1, kept[edges.piece]
    fewer = Edges(edges.start[used], edges.end[used], numbers[edges.piece[used]])
    return [one for one, keep in zip(text, kept.tolist(), strict=True) if keep], sizes[kept], expected[kept], fewer
