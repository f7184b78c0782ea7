"""Clean a share of a source ahead of ingestion: every n-th of its chunks, which are kept in the store for it.

Several machines take a share each. Ingestion finds the chunks by what they follow from, so it needs to know neither how many machines there
were nor which of them did what, and cleans by itself what is missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline.corpus.chunk_files import KEYS, read_keys
from pipeline.corpus.cleaned_chunks import CleanedChunks
from pipeline.corpus.cleaning_inputs import NOTHING_GIVEN

if TYPE_CHECKING:
    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.cleaning_inputs import CleaningInputs
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

SHARE = "share.json"
"""The file of the artifact: digests of the chunks, in the order of the source."""


def clean_share(
    data: Data,
    examples: TaskExamples,
    pin: Pin,
    number: int,
    of: int,
    output: Path,
    settings: Settings,
    reporter: Reporter,
    intermediates: Intermediates,
    processes: int | None = None,
    given: CleaningInputs = NOTHING_GIVEN,
) -> dict[str, int]:
    """Clean the chunks of one share that are not kept yet.

    Args:
        data: source, filter and salt of the recipe.
        examples: makes documents of records.
        pin: the whole source, at the revision to read.
        number: of the share, from 1.
        of: number of shares.
        output: empty folder to fill.
        settings: address of the S3 server.
        reporter: gets progress, and may ask to stop.
        intermediates: where cleaned chunks are kept.
        processes: most processes; by default one for each core.
        given: documents to leave out, and models.

    Returns:
        ``chunks``, and ``read``, the records in them.

    Raises:
        BadInput: an item is corrupt as a whole, or lacks a field the recipe names.
        Preempted: asked to stop.
        SourceChanged: an item is no longer at its pinned revision.
        Unavailable: its server is unreachable.
    """
    with (
        TemporaryDirectory(dir=output.parent, prefix=f"{output.name}-chunks-") as scratch,
        CleanedChunks(data, examples, pin, settings, reporter, intermediates, Path(scratch), processes, given) as chunks,
    ):
        folders = chunks.bring(range(number - 1, len(chunks), of), (KEYS,))
        read = sum(read_keys(folder)[1].read for folder in folders)
    digests = [each.digest for each in chunks.pins[number - 1 :: of]]
    (output / SHARE).write_text(json.dumps(digests, indent=0) + "\n", encoding="utf-8")
    return {"chunks": len(digests), "read": read}
