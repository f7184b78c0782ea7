"""Remove lines and paragraphs that many documents have, and say which: ``repeated.json``, the most frequent ones."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.corpus import REPEATED
from pipeline.corpus.chunk_files import DOCUMENTS
from pipeline.corpus.decide import first_of_equals
from pipeline.corpus.read_corpus import read_file
from pipeline.corpus.repeated_units import KINDS, Asked, count_units, read_units, search_units, units_of
from pipeline.corpus.shortened_chunks import ShortenedChunks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.cleaned_chunks import CleanedChunks
    from pipeline.corpus.key_columns import KeyColumns
    from pipeline.corpus.repeated_units import Repeated
    from pipeline.recipe.deduplication import Deduplication

SHOWN = 20
"""Units that the file shows."""

EXCERPT = 200
"""Characters of a unit that are shown."""


def without_repeated(
    chunks: CleanedChunks, keys: KeyColumns, starts: NDArray[np.int64], kept: Intermediates, rules: Deduplication, output: Path
) -> ShortenedChunks:
    """The chunks without the units that many documents have.

    Args:
        chunks: as they were cleaned.
        keys: of all documents.
        starts: [chunks + 1] place of the first document of each chunk.
        kept: where what is found and made is kept.
        rules: of the recipe.
        output: folder of the corpus.

    Raises:
        Preempted: asked to stop.
    """
    asked = Asked.of(rules)
    folders = search_units(chunks, kept, asked)
    repeated = count_units(folders, starts, first_of_equals(keys), asked)
    rows = _most_frequent(chunks, folders, repeated, asked)
    (output / REPEATED).write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return ShortenedChunks(chunks, kept, folders, repeated)


def _most_frequent(chunks: CleanedChunks, folders: Sequence[Path], repeated: Repeated, asked: Asked) -> list[dict[str, Any]]:
    """The units of most documents, each as the first document has it."""
    chosen = np.lexsort((repeated.hashes, -repeated.documents))[:SHOWN]
    wanted = {int(repeated.hashes[place]): int(repeated.documents[place]) for place in chosen}
    texts: dict[int, str] = {}
    for number, folder in enumerate(folders):
        rows, units = read_units(folder)
        for row in np.unique(rows[np.isin(units, np.array(list(wanted.keys() - texts.keys()), np.uint64))]).tolist():
            if wanted.keys() <= texts.keys():
                break
            (chunk,) = chunks.bring([number], (DOCUMENTS,))
            document = next(islice(read_file(chunk / DOCUMENTS), row, None))
            for found, unit in units_of(document.text, asked.kinds):
                if found in wanted:
                    texts.setdefault(found, unit[:EXCERPT])
    return [{"kind": KINDS[unit & 1], "documents": times, "text": texts[unit]} for unit, times in wanted.items()]
