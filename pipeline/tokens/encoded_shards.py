"""The encoded shards of a corpus, in a local folder: those that an earlier attempt encoded from the store, the others encoded now."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpora.source_shards import sources_of_shards
from pipeline.corpus.readers.workers import run_jobs
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.errors import BadInput
from pipeline.tokens.encode_shard import COUNTS, EncodeJob, encode_shard
from pipeline.tokens.repeats import pieces

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates, What
    from pipeline.families.vocabulary import Vocabulary
    from pipeline.reporter import Reporter
    from pipeline.tokens.repeats import Piece, Reading
    from pipeline.tokens.text_encoder import ExampleEncoder

BYTES_A_PROCESS = 4 << 20
"""Bytes of shards that are worth another process, which takes a second to start; compressed text, four to five times as long."""


class EncodedShards:
    """Encodes the shards of train and validation, each once."""

    def __init__(self, scratch: Path, processes: int, reporter: Reporter, intermediates: Intermediates) -> None:
        """Nothing is encoded yet.

        Args:
            scratch: empty folder for the files.
            processes: most processes.
            reporter: gets progress, and may ask to stop.
            intermediates: where encoded shards are kept.
        """
        self.scratch, self.processes, self.reporter, self.intermediates = scratch, processes, reporter, intermediates
        self._folders: dict[str, list[Path]] = {}

    def of(self, split: str) -> list[Path]:
        """The folders of the encoded shards of a split, in order; one that is read several times in a pass is there so often."""
        return self._folders[split]

    def encode(
        self,
        corpus: Path,
        task: ExampleEncoder,
        tokenizer: Path,
        vocabulary: Vocabulary,
        labels: tuple[str, ...],
        encoder: str,
        readings: Mapping[str, Reading],
    ) -> dict[str, int]:
        """Encode what is not kept; arguments as of `EncodeJob`, and as of `pieces`. Returns the counts, as often as documents are read.

        Raises:
            BadInput: the weights of the sources leave no document to train on.
            Preempted: asked to stop.
            Unavailable: a worker was killed.
        """
        found = pieces(corpus, readings)
        folders = [self.scratch / piece.name for piece in found]
        self._folders = {
            split: [folder for piece, folder in zip(found, folders, strict=True) if piece.split == split for _ in range(piece.times)]
            for split in (TRAIN, VALIDATION)
        }
        whats = self._whats(found, tokenizer, labels)
        kept = self.intermediates.fetch(self.scratch, {folder.name: what for folder, what in zip(folders, whats, strict=True)})
        jobs = {
            number: EncodeJob(piece.shard, piece.split, task, tokenizer, vocabulary, labels, encoder, folders[number], piece.share)
            for number, piece in enumerate(found)
            if piece.name not in kept
        }
        size = sum(job.shard.stat().st_size for job in jobs.values())
        processes = max(1, min(self.processes, size // BYTES_A_PROCESS))
        for number, _ in run_jobs(encode_shard, jobs, processes, self.reporter, size / 1e6):
            if len(found) > 1:  # a single one is the artifact itself
                self.intermediates.commit(whats[number], folders[number])
        counts = self._counts(found, sources_of_shards(corpus))
        if readings and not counts[f"documents_{TRAIN}"]:
            raise BadInput("the weights of data.sources leave no document to train on", "at least one", "raise a weight")
        return counts

    def _counts(self, found: list[Piece], sources: Mapping[str, str]) -> dict[str, int]:
        """The counts of all pieces together, as often as they are read; with several sources also those of each."""
        counts: Counter[str] = Counter(
            {f"{name}_{split}": 0 for split in self._folders for name in ("documents", "tokens", "bytes", "examples")}
        )
        counts.update({f"source_{name}_{source}": 0 for source in sources.values() for name in ("documents", "tokens")})
        for piece in found:
            own = {name: piece.times * value for name, value in json.loads((self.scratch / piece.name / COUNTS).read_bytes()).items()}
            counts.update(own)
            if sources and piece.split == TRAIN:
                counts.update({f"source_{name}_{sources[piece.shard.name]}": own[f"{name}_{TRAIN}"] for name in ("documents", "tokens")})
        return dict(sorted(counts.items()))

    def _whats(self, found: list[Piece], tokenizer: Path, labels: tuple[str, ...]) -> list[What]:
        """What the files of each piece follow from, apart from code and params."""
        same = {"tokenizer": {place.name: _sha256(place) for place in sorted(tokenizer.iterdir())}, "labels": labels}
        return [
            {**same, "split": piece.split, "shard": _sha256(piece.shard), **({} if piece.share == 1 else {"share": piece.share})}
            for piece in found
        ]


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
