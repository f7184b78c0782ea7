"""The encoded shards of a corpus, in a local folder: those that an earlier attempt encoded from the store, the others encoded now."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpus.read_corpus import shard_paths
from pipeline.corpus.readers.workers import run_jobs
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.tokens.encode_shard import COUNTS, EncodeJob, encode_shard

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates, What
    from pipeline.families.vocabulary import Vocabulary
    from pipeline.reporter import Reporter
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
        """The folders of the encoded shards of a split, in order."""
        return self._folders[split]

    def encode(
        self, corpus: Path, task: ExampleEncoder, tokenizer: Path, vocabulary: Vocabulary, labels: tuple[str, ...], encoder: str
    ) -> dict[str, int]:
        """Encode what is not kept; arguments as of `EncodeJob`. Returns the counts of all shards.

        Raises:
            Preempted: asked to stop.
            Unavailable: a worker was killed.
        """
        found = [(split, shard) for split in (TRAIN, VALIDATION) for shard in shard_paths(corpus, split)]
        folders = [self.scratch / shard.stem for _, shard in found]
        self._folders = {
            split: [folder for (own, _), folder in zip(found, folders, strict=True) if own == split] for split in (TRAIN, VALIDATION)
        }
        whats = self._whats([shard for _, shard in found], tokenizer, labels)
        kept = self.intermediates.fetch(self.scratch, {folder.name: what for folder, what in zip(folders, whats, strict=True)})
        jobs = {
            number: EncodeJob(shard, split, task, tokenizer, vocabulary, labels, encoder, folders[number])
            for number, (split, shard) in enumerate(found)
            if folders[number].name not in kept
        }
        size = sum(job.shard.stat().st_size for job in jobs.values())
        processes = max(1, min(self.processes, size // BYTES_A_PROCESS))
        for number, _ in run_jobs(encode_shard, jobs, processes, self.reporter, size / 1e6):
            if len(found) > 1:  # a single one is the artifact itself
                self.intermediates.commit(whats[number], folders[number])
        counts: Counter[str] = Counter(
            {f"{name}_{split}": 0 for split in self._folders for name in ("documents", "tokens", "bytes", "examples")}
        )
        for folder in folders:
            counts.update(json.loads((folder / COUNTS).read_bytes()))
        return dict(sorted(counts.items()))

    def _whats(self, shards: list[Path], tokenizer: Path, labels: tuple[str, ...]) -> list[What]:
        """What the files of each shard follow from, apart from code and params."""
        same = {"tokenizer": {place.name: _sha256(place) for place in sorted(tokenizer.iterdir())}, "labels": labels}
        return [{**same, "split": shard.name.partition("-")[0], "shard": _sha256(shard)} for shard in shards]


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
