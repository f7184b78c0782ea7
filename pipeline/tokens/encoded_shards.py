"""The encoded shards of a corpus, in a local folder: those that were encoded before from the store, the others encoded now."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpora.source_shards import sources_of_shards
from pipeline.corpus import LABELS
from pipeline.corpus.readers.workers import run_jobs
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.errors import BadInput
from pipeline.tokens.encode_shard import COUNTS, EncodeJob, encode_shard
from pipeline.tokens.repeats import pieces, readings
from pipeline.tokens.tokenizer_folder import read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates, What
    from pipeline.recipe.mixture import Weights
    from pipeline.reporter import Reporter
    from pipeline.tokens.text_encoder import ExampleEncoder

BYTES_A_PROCESS = 4 << 20
"""Bytes of shards that are worth another process, which takes a second to start; compressed text, four to five times as long."""


class EncodedShards:
    """Encodes the shards of train and validation, each once."""

    def __init__(
        self,
        corpus: Path,
        task: ExampleEncoder,
        tokenizer: Path,
        encoder: str,
        scratch: Path,
        processes: int,
        reporter: Reporter,
        intermediates: Intermediates,
        weights: Weights | None = None,
    ) -> None:
        """Nothing is encoded yet.

        Args:
            corpus: folder of the corpus.
            task: from documents to examples.
            tokenizer: folder of the tokenizer.
            encoder: which encoder; see `pipeline.tokens.encoding.choose_encoder`.
            scratch: empty folder for the files.
            processes: most processes.
            reporter: gets progress, and may ask to stop.
            intermediates: where encoded shards are kept.
            weights: how often training reads the documents of each source; None: once.
        """
        self.corpus, self.task, self.tokenizer, self.encoder = corpus, task, tokenizer, encoder
        self.scratch, self.processes, self.reporter, self.intermediates = scratch, processes, reporter, intermediates
        self.vocabulary, self.labels = read_vocabulary(tokenizer), _labels(corpus / LABELS)
        self.weighted = bool(readings(corpus, weights))
        self.pieces = pieces(corpus, readings(corpus, weights))
        """What is encoded, in the order of the corpus."""
        self._same: What = {
            "tokenizer": {place.name: _sha256(place) for place in sorted(tokenizer.iterdir())},
            "labels": self.labels,
            "encoder": encoder,
        }
        self._whats: dict[int, What] = {}

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.pieces)

    def folder(self, number: int) -> Path:
        """Where the files of a piece are."""
        return self.scratch / self.pieces[number].name

    def of(self, split: str) -> list[Path]:
        """The folders of the encoded shards of a split, in order; one that is read several times in a pass is there so often."""
        return [self.folder(number) for number, piece in enumerate(self.pieces) if piece.split == split for _ in range(piece.times)]

    def share(self, number: int, of: int) -> list[int]:
        """The pieces of one share. All shares get about as many bytes: they take turns, from the largest piece to the smallest.

        Args:
            number: of the share, from 1.
            of: number of shares.
        """
        return sorted(range(len(self)), key=lambda each: (-self._size(each), each))[number - 1 :: of]

    def encode(self, numbers: Iterable[int], names: Collection[str] = (), *, keep: bool = True) -> None:
        """Encode what is not kept.

        Args:
            numbers: of the pieces.
            names: files that are fetched of what is kept; all without it.
            keep: whether to keep what is encoded.

        Raises:
            Preempted: asked to stop.
            Unavailable: a worker was killed.
        """
        wanted = {self.folder(number).name: number for number in numbers}
        kept = self.intermediates.fetch(self.scratch, {name: self.what(number) for name, number in wanted.items()}, names)
        jobs = {number: self._job(number) for name, number in wanted.items() if name not in kept}
        size = sum(job.shard.stat().st_size for job in jobs.values())
        processes = max(1, min(self.processes, size // BYTES_A_PROCESS))
        for number, _ in run_jobs(encode_shard, jobs, processes, self.reporter, size / 1e6):
            if keep:
                self.intermediates.commit(self.what(number), self.folder(number))

    def counts(self) -> dict[str, int]:
        """The counts of all pieces together, as often as they are read; with several sources also those of each.

        Raises:
            BadInput: the weights of the sources leave no document to train on.
        """
        sources = sources_of_shards(self.corpus)
        counts: Counter[str] = Counter(
            {f"{name}_{split}": 0 for split in (TRAIN, VALIDATION) for name in ("documents", "tokens", "bytes", "examples")}
        )
        counts.update({f"source_{name}_{source}": 0 for source in sources.values() for name in ("documents", "tokens")})
        for number, piece in enumerate(self.pieces):
            own = {name: piece.times * value for name, value in self.counts_of(number).items()}
            counts.update(own)
            if sources and piece.split == TRAIN:
                counts.update({f"source_{name}_{sources[piece.shard.name]}": own[f"{name}_{TRAIN}"] for name in ("documents", "tokens")})
        if self.weighted and not counts[f"documents_{TRAIN}"]:
            raise BadInput("the weights of data.sources leave no document to train on", "at least one", "raise a weight")
        return dict(sorted(counts.items()))

    def counts_of(self, number: int) -> dict[str, int]:
        """The counts of a piece that was encoded or fetched."""
        found: dict[str, int] = json.loads((self.folder(number) / COUNTS).read_bytes())
        return found

    def what(self, number: int) -> What:
        """What the files of a piece follow from, apart from code and params."""
        if number not in self._whats:
            piece = self.pieces[number]
            share = {} if piece.share == 1 else {"share": piece.share}
            self._whats[number] = {**self._same, "split": piece.split, "shard": _sha256(piece.shard), **share}
        return self._whats[number]

    def _job(self, number: int) -> EncodeJob:
        piece = self.pieces[number]
        given = (self.task, self.tokenizer, self.vocabulary, self.labels, self.encoder)
        return EncodeJob(piece.shard, piece.split, *given, self.folder(number), piece.share)

    def _size(self, number: int) -> float:
        """Bytes of a piece, about."""
        return self.pieces[number].shard.stat().st_size * self.pieces[number].share


def _labels(file: Path) -> tuple[str, ...]:
    """The classes of the corpus; empty for a task without classes."""
    return tuple(json.loads(file.read_bytes())) if file.is_file() else ()


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
