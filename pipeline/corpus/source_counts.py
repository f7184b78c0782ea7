"""Several sources in one corpus: what each gave to it, as counts. Those of each source add up as those of the corpus do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpora.of_sources import count_name
from pipeline.corpus.decide import DUPLICATE, FILTERED, KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.chunk_files import ChunkFacts
    from pipeline.corpus.decide import Decisions


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
            "split_parts": sum(each.cleaning.counts["split_parts"] for each in of_source),
            "quarantined": sum(len(each.quarantine) for each in of_source),
        }
        found |= {count_name(figure, name): value for figure, value in figures.items()}
    return found
