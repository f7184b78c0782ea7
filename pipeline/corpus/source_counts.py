"""Several sources in one corpus: what each gave to it, in the counts and in ``sources.json``.

A shard has documents of one source. ``sources.json`` says which, so that tokenization can read the documents of a source more often than others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus import SOURCES
from pipeline.corpus.decide import DUPLICATE, FILTERED, KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.chunk_files import ChunkFacts
    from pipeline.corpus.decide import Decisions

PREFIX = "source_"
"""How the names of these counts begin."""

FIGURES = ("read", "documents", "characters", "duplicate", "filtered", "quarantined")
"""What is counted of each source, as ``source_<figure>_<name>``: ``documents`` and ``characters`` are those that are kept."""


def source_counts(
    names: Sequence[str],
    origins: NDArray[np.int16],
    chunks: Sequence[int],
    facts: Sequence[ChunkFacts],
    decisions: Decisions,
    chars: NDArray[np.int32],
) -> dict[str, int]:
    """Count what each source gave.

    Args:
        names: of the sources.
        origins: [documents] place of each document's source.
        chunks: place of each chunk's source.
        facts: of each chunk.
        decisions: about all documents.
        chars: [documents] characters of each.
    """
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        ours = origins == place
        kept = ours & (decisions.outcomes == KEPT)
        of_source = [each for source, each in zip(chunks, facts, strict=True) if source == place]
        figures = {
            "read": sum(each.read for each in of_source),
            "documents": int(kept.sum()),
            "characters": int(chars[kept].sum(dtype=np.int64)),
            "duplicate": int((ours & (decisions.outcomes == DUPLICATE)).sum()),
            "filtered": int((ours & (decisions.outcomes == FILTERED)).sum()) + sum(each.filtered.total() for each in of_source),
            "quarantined": sum(len(each.quarantine) for each in of_source),
        }
        found |= {f"{PREFIX}{figure}_{name}": value for figure, value in figures.items()}
    return found


def write_sources(names: Sequence[str], sources: Sequence[int], shards: Sequence[Sequence[str]], output: Path) -> None:
    """Write ``sources.json``.

    Args:
        names: of the sources, in the order of the recipe.
        sources: place of each bundle's source.
        shards: of each bundle.
        output: folder of the corpus.
    """
    found: dict[str, list[str]] = {name: [] for name in names}
    for source, bundle in zip(sources, shards, strict=True):
        found[names[source]] += bundle
    rows = [{"name": name, "shards": sorted(of_source)} for name, of_source in found.items()]
    (output / SOURCES).write_text(json.dumps({"sources": rows}, indent=1) + "\n", encoding="utf-8")


def sources_of_shards(folder: Path) -> dict[str, str]:
    """The source of each shard by its file name; empty for a corpus of one source.

    Args:
        folder: of the corpus.
    """
    place = folder / SOURCES
    rows = json.loads(place.read_bytes())["sources"] if place.is_file() else ()
    return {shard: row["name"] for row in rows for shard in row["shards"]}


def figures_of(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """What each source gave, by its name, from the counts of a corpus; empty for a corpus of one source."""
    first = f"{PREFIX}{FIGURES[0]}_"
    names = [name.removeprefix(first) for name in counts if name.startswith(first)]
    return {name: {figure: counts.get(f"{PREFIX}{figure}_{name}", 0) for figure in FIGURES} for name in names}
