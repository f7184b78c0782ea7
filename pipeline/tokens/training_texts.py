"""What a tokenizer is trained on: the texts of the train split, or of a share of it that is large enough.

More text than some hundred megabytes changes few merges, and costs memory for each different word. Which documents are taken follows from their ids,
which are digests of their content: a new document changes nothing about the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyarrow import parquet

from pipeline.corpus.read_corpus import read_documents, shard_paths
from pipeline.corpus.splitting import TRAIN
from pipeline.errors import Preempted
from pipeline.tokens.repeats import is_chosen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.reporter import Reporter
    from pipeline.tokens.text_encoder import ExampleEncoder

SAMPLE_MB = 512
"""Megabytes of texts that a tokenizer is trained on, unless the recipe says otherwise."""

REPORT_EVERY = 4096
"""Documents between two reports of what is read."""

TEXTS = ("text", "pair", "target", "name")
"""Columns whose bytes count."""


@dataclass(frozen=True)
class TrainingTexts:
    """The texts that a task reads or writes, of the whole train split or of a share of its documents; each pass reads them again."""

    corpus: Path
    """Folder of a corpus."""

    task: ExampleEncoder
    """Says which texts a document has."""

    reporter: Reporter
    """Gets progress, and may ask to stop."""

    sample_mb: int
    """Megabytes of texts, about."""

    def __iter__(self) -> Iterator[str]:
        """The texts.

        Raises:
            Preempted: asked to stop.
        """
        shards = [parquet.read_metadata(shard) for shard in shard_paths(self.corpus, TRAIN)]
        total = sum(shard.num_rows for shard in shards)
        share = self.sample_mb * 1_000_000 / max(1, sum(map(_bytes, shards)))
        for count, document in enumerate(read_documents(self.corpus, TRAIN)):
            if count % REPORT_EVERY == 0:
                self.reporter.progress(count, total, "documents read for the tokenizer")
                if self.reporter.stopping():
                    raise Preempted("stopped on request while tokenizing", "", "run it again")
            if share >= 1 or is_chosen(document.id, share, "tokenizer"):
                yield from self.task.all_texts(document)


def training_texts(corpus: Path, task: ExampleEncoder, reporter: Reporter, sample_mb: int | None = None) -> TrainingTexts:
    """The texts that a tokenizer is trained on.

    Args:
        corpus: folder of a corpus.
        task: says which texts a document has.
        reporter: gets progress, and may ask to stop.
        sample_mb: megabytes of texts, about; by default `SAMPLE_MB`.
    """
    return TrainingTexts(corpus, task, reporter, sample_mb or SAMPLE_MB)


def _bytes(shard: parquet.FileMetaData) -> int:
    """Bytes of the texts of a shard, from its footer."""
    columns = (shard.row_group(group).column(place) for group in range(shard.num_row_groups) for place in range(shard.num_columns))
    return sum(column.total_uncompressed_size for column in columns if column.path_in_schema in TEXTS)
