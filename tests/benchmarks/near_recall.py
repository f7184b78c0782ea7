"""Which near duplicates are found: pairs of made-up texts whose resemblance is known, among texts that resemble none.

``python -m benchmarks.near_recall FOLDER`` writes the texts into ``FOLDER/texts`` and prints the share of the pairs that ingestion finds, by
resemblance. For datatrove, call ``python -m benchmarks.datatrove_run near FOLDER/texts FOLDER/out`` where it is installed, and this once more.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fixtures.near_texts import edited, resemblance, signatures, vocabulary

from pipeline.corpus.near_duplicates import find_clusters

if TYPE_CHECKING:
    from collections.abc import Collection

PAIRS, OTHERS = 4_000, 2_000
NEAR = 0.8
STEPS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.01)
"""Limits of the rows of the table."""


def texts() -> list[str]:
    """Pairs that follow each other, then texts that are alone."""
    draw = random.Random(12)
    words = vocabulary(draw)
    found: list[str] = []
    for _ in range(PAIRS):
        text = " ".join(draw.choices(words, k=draw.randint(40, 300)))
        found += [text, edited(text, draw.randint(0, 1 + len(text.split()) // 12), draw, words)]
    return found + [" ".join(draw.choices(words, k=100)) for _ in range(OTHERS)]


def found_here(given: list[str], folder: Path) -> set[int]:
    """Numbers of the pairs that are in one cluster."""
    clusters = find_clusters(signatures(given, folder), NEAR)
    return {pair for pair in range(PAIRS) if clusters[2 * pair] == clusters[2 * pair + 1]}


def found_there(given: list[str], kept: Path) -> set[int]:
    """Numbers of the pairs of which datatrove did not keep both."""
    left: Counter[str] = Counter()
    for place in kept.rglob("*.jsonl.gz"):
        with gzip.open(place, "rt") as lines:
            left.update(json.loads(line)["text"] for line in lines)
    # both texts of a pair may be the same
    return {pair for pair in range(PAIRS) if Counter(given[2 * pair : 2 * pair + 2]) - left}


def main(folder: Path) -> None:
    """Print the table."""
    given = texts()
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    (folder / "texts" / "part.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in given))
    shares = np.array([resemblance(given[2 * pair], given[2 * pair + 1]) for pair in range(PAIRS)])
    results = {"here": found_here(given, folder)}
    if (folder / "out" / "kept").exists():
        results["datatrove"] = found_there(given, folder / "out" / "kept")
    for low, high in pairwise(STEPS):
        asked = np.flatnonzero((shares >= low) & (shares < high))
        print(f"{low} to {high}: {len(asked)} pairs;", _told(results, asked.tolist()))
    for name, pairs in results.items():
        print(f"precision, from {NEAR - 0.05:.2f} on: {name} {np.mean(shares[sorted(pairs)] >= NEAR - 0.05):.4f} of {len(pairs)}")


def _told(results: dict[str, set[int]], asked: Collection[int]) -> str:
    return ", ".join(f"{name} {len(pairs & set(asked)) / max(1, len(asked)):.4f}" for name, pairs in results.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
