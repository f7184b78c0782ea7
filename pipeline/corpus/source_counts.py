"""Several sources in one corpus: what each gave to it, as counts. Those of each source add up as those of the corpus do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.decide import DUPLICATE, FILTERED, KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def figures_of(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """What each source gave, by its name, from the counts of a corpus; empty for a corpus of one source."""
    first = f"{PREFIX}{FIGURES[0]}_"
    names = [name.removeprefix(first) for name in counts if name.startswith(first)]
    return {name: {figure: counts.get(f"{PREFIX}{figure}_{name}", 0) for figure in FIGURES} for name in names}
